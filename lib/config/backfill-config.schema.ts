import { IANAZone } from 'luxon';
import { z } from 'zod';
import { groupDigits } from '../errors/group-digits.js';
import type { BackfillConfig } from './backfill-config.js';
import type { ConcurrencySetting } from './concurrency-setting.js';

interface ConfigField<Value> {
  readonly schema: z.ZodType<Value>;
  /** The valid values in words, after "expected" in an error message. */
  readonly expected: string;
}

function whole(min: number, max: number, meaning: string): ConfigField<number> {
  const bounds = `from ${groupDigits(min)} to ${groupDigits(max)}`;
  return { schema: z.int().min(min).max(max), expected: `a whole number ${bounds} (${meaning})` };
}

/** A whole number, or bounds between which it is found. */
function adaptive(max: number, meaning: string): ConfigField<ConcurrencySetting> {
  const number = z.int().min(1).max(max);
  return {
    schema: z.union([
      number,
      z.strictObject({ min: number, max: number }).refine((bounds) => bounds.min <= bounds.max),
    ]),
    expected:
      `a whole number from 1 to ${groupDigits(max)} (${meaning}), ` +
      'or { min, max } of such numbers, such as { min: 1, max: 32 }',
  };
}

const RATE: ConfigField<number | null> = {
  schema: z.number().min(0).max(100_000).nullable(),
  expected: 'a number from 0 to 100,000 (ranges per second; 0 holds) or null (unpaced)',
};

function isPercentage(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,3}(?:\.\d+)?%$/.test(value) && Number.parseFloat(value) <= 100;
}

const DAY_MS = 86_400_000;
const ROWS = z.int().min(1).max(1_000_000);
const WEEKDAY = whole(0, 6, '0 Sunday to 6 Saturday');
const HOUR = whole(0, 23, 'hour of the day');

/** The schema of each key. */
export const CONFIG_FIELDS: { readonly [Key in keyof BackfillConfig]: ConfigField<BackfillConfig[Key]> } = {
  batchSize: whole(1, 1_000_000, 'rows in a range'),
  duration: {
    schema: z.number().positive().max(86_400),
    expected: 'a number above 0 and up to 86,400 (seconds of work to keep planned)',
  },
  perSecondOnPeak: RATE,
  perSecondOffPeak: RATE,
  onPeakTimezone: {
    schema: z.string().refine((zone) => IANAZone.isValidZone(zone)),
    expected: 'an IANA time zone such as "Europe/Lisbon"',
  },
  onPeakWdayBegin: WEEKDAY,
  onPeakWdayEnd: WEEKDAY,
  onPeakHourBegin: HOUR,
  onPeakHourEnd: HOUR,
  concurrency: adaptive(1000, 'ranges at once per process'),
  rowConcurrency: adaptive(10_000, 'rows at once per range'),
  maxOutstanding: whole(1, 1_000_000, 'ranges that are planned and not processed yet'),
  attempts: whole(1, 100, 'attempts per range or row'),
  backoffMs: whole(0, 86_400_000, 'milliseconds'),
  maxFailures: {
    schema: z.union([z.int().min(0), z.custom<`${number}%`>(isPercentage)]).nullable(),
    expected: 'a whole number from 0, a percentage from "0%" to "100%", or null (no limit)',
  },
  maxInitialFailures: {
    schema: z.int().min(1).max(1_000_000).nullable(),
    expected: 'a whole number from 1 to 1,000,000 (ranges that fail before any succeeds) or null (no limit)',
  },
  rowTimeoutMs: {
    schema: z.int().min(1).max(DAY_MS).nullable(),
    expected: 'a whole number from 1 to 86,400,000 (milliseconds) or null (no limit)',
  },
  rowAckMs: whole(10, 3_600_000, 'milliseconds'),
  quota: {
    schema: z
      .strictObject({ max: z.int().min(1).max(1_000_000), perMs: z.int().min(10).max(DAY_MS) })
      .nullable(),
    expected: '{ max, perMs } in whole numbers, such as { max: 50, perMs: 1000 }, or null (no limit)',
  },
  autoTune: {
    schema: z
      .strictObject({ targetMs: z.int().min(1).max(3_600_000), min: ROWS, max: ROWS })
      .refine(({ min, max }) => min <= max)
      .nullable(),
    expected:
      '{ targetMs, min, max } in whole numbers with min <= max, such as { targetMs: 500, min: 50, max: 5000 }, or ' +
      'null (off)',
  },
};

/** The keys of a config, in the order in which they are documented. */
export const CONFIG_KEYS = Object.keys(CONFIG_FIELDS) as readonly (keyof BackfillConfig)[];

/** True for a key of a config; false for inherited names such as `constructor`. */
export function isConfigKey(name: string): name is keyof BackfillConfig {
  return Object.hasOwn(CONFIG_FIELDS, name);
}
