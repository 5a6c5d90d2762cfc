import { z } from 'zod';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { OnOtherVersion } from '../config/handler-version.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import type { JsonValue, SourcePartition } from '../sources/backfill-source.js';
import type { LastError } from './stored-error.js';
import { decodeBudgetWait } from './budget-wait.js';
import { CANARY_STATES } from './canary.js';
import type { Canary, CanarySample, StoredVerdict } from './canary.js';
import { decodeConcurrency } from './concurrency-state.js';
import { parseJson } from './json.js';
import { decodeLateness } from './lateness.js';
import { decodePace } from './pace.js';
import type { Pace } from './pace.js';
import type { PartitionMarks } from './partition-marks.js';
import { recordedTimes } from './recorded-times.js';
import type { RecordedTimes } from './recorded-times.js';
import { decodeStall } from './stall.js';
import { verificationSchema } from './verification.js';
import type { Verification } from './verification.js';
import type { Walk } from './walk-changes.js';

const count = z.coerce.number().int();
const time = z
  .string()
  .optional()
  .refine((value) => !value || Number.isFinite(Number(value)), { error: 'expected a time in ms' })
  .transform((value) => (value ? Number(value) : null));
const text = z
  .string()
  .optional()
  .transform((value) => value || null);
const flag = z
  .string()
  .optional()
  .transform((value) => value === '1');

const json = <T>(shape: z.ZodType = z.unknown()) =>
  z
    .string()
    .optional()
    .transform((value, context): T | null => {
      if (!value) {
        return null;
      }
      const parsed = parseJson(value);
      if (parsed === undefined || !shape.safeParse(parsed).success) {
        context.addIssue({ code: 'custom', message: 'expected JSON of its shape' });
        return z.NEVER;
      }
      return parsed as T;
    });

const canaryShape = () => ({
  /** See `canaryFields`; absent in a run without a canary. */
  canary: z.enum(CANARY_STATES).optional(),
  canaryRows: z.coerce.number().int().default(0),
  canaryMaxFailures: z.coerce.number().int().default(0),
  canaryHandedOut: z.coerce.number().int().default(0),
  canarySample: z.coerce.number().int().default(0),
  canaryVerified: json<CanarySample>(z.looseObject({ read: z.int(), sampled: z.int(), mismatched: z.int() })),
  canaryVerdict: json<StoredVerdict>(z.looseObject({ passed: z.boolean(), reason: z.string() })),
});

const canarySchema = z.lazy(() => z.object(canaryShape()));

const runSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['running', 'paused', 'completed', 'failed', 'cancelled']),
    reason: text,
    /** Who paused it last; absent in a run that an earlier version paused. See `pauserOf`. */
    pausedBy: text,
    /** How many times it had been resumed then. */
    pausedResumes: z.coerce.number().int().default(0),
    startedAt: count,
    finishedAt: time,
    startedBy: text,
    startReason: text,
    /** When it should have ended, in epoch ms; `null`: nobody has said. */
    finishBy: time.catch(null),
    from: text,
    to: text,
    dryRun: flag,
    /** What the schema of its parameters is given; `null`: it was started without. */
    params: json<JsonValue>(),
    /** The same with secrets masked. */
    paramsShown: json<JsonValue>(),
    /** Of the values that the schema made of them. */
    paramsDigest: text,
    /** What it was forecast to cost when it was started; `null`: there was no rehearsal. */
    forecast: json<Readonly<Record<string, unknown>>>(z.record(z.string(), z.unknown())),
    /** Positions in the write-ahead log of the server at its start and at its end; absent: they were not recorded. */
    walFrom: z.coerce.number().optional(),
    walTo: z.coerce.number().optional(),
    /** Of the handler that it was started with, or of the last one that it adopted. */
    version: text,
    onOtherVersion: z
      .string()
      .optional()
      .transform((value): OnOtherVersion => (value === 'hold' ? 'hold' : 'warn')),
    sourceKind: z.string(),
    seq: count,
    next: count,
    planned: count,
    done: count,
    failed: count,
    rowsDone: count,
    rowsFailed: count,
    rowsMissing: z.coerce.number().int().default(0),
    rowsRechecked: z.coerce.number().int().default(0),
    progress: count,
    rowsTotal: count,
    rowsExact: flag,
    exhausted: flag,
    cycle: count,
    target: count,
    dropped: z.coerce.number().int().default(0),
    nextCycleAt: time,
    holdUntil: time,
    holdReason: text,
    /** End of the hold of all runs that is mirrored into `holdUntil` where both are the same, or when the last one ended. */
    heldAllUntil: time.catch(null),
    interval: z.coerce.number().optional(),
    rateReason: text,
    /** Calls that its quota has granted, and its progress before the first of them. */
    quotaCalls: z.coerce.number().default(0).catch(0),
    quotaProgress: z.coerce.number().default(0).catch(0),
    /** When something was last done; absent in a run that only earlier versions have worked on. */
    activeAt: time.catch(null),
    /** See `recordedTimes`. */
    stateSince: z.string().optional(),
    rateSince: z.string().optional(),
    holdSince: z.string().optional(),
    /** Of the controller that finds its concurrency; `null`: its concurrency is fixed, or nothing is known yet. */
    concurrency: z
      .string()
      .optional()
      .transform((value) => decodeConcurrency(value ?? null)),
    /** Of the throttles, from 0 to 1, as last measured. */
    pressure: z.coerce.number().default(0).catch(0),
    /** What the throttle with that pressure measured, in words. */
    pressureReason: text,
    /** That throttle, see `throttleOf`. */
    pressureBy: z.string().optional(),
    /** Attempts that failed and were repeated. */
    retries: z.coerce.number().int().default(0).catch(0),
    /** Whether it is expected to end later than it should; `null`: nothing has been expected yet. */
    lateness: z
      .string()
      .optional()
      .transform((value) => decodeLateness(value ?? null)),
    lastError: json<LastError>(z.looseObject({ message: z.string() })),
    partitions: json<SourcePartition[]>(z.array(z.looseObject({ name: z.string() }))),
    partitionsDone: json<string[]>(z.array(z.string())),
    /** The config that it was started with, and the one in force at its end, or now; not checked, as other versions write them. */
    configAtStart: json<BackfillConfig>(z.looseObject({})).catch(null),
    config: json<BackfillConfig>(z.looseObject({})).catch(null),
    /** See `PartitionMarks`. */
    partitionMarks: json<PartitionMarks>(z.array(z.tuple([z.number(), z.array(z.number())]))).catch(null),
    /** Rows that its handler has written to the journal; a row that was written again may count again. */
    journaled: z.coerce.number().int().default(0),
    /** Id of the run that it undoes; `null`: it is no undo. */
    undoes: text,
    /** Rows that it has not undone because others have written them. */
    conflicts: z.coerce.number().int().default(0),
    /** What it last waited for that the budget had no place for. */
    budgetWait: z.string().optional().transform(decodeBudgetWait),
    /** `null`: it is not stalled, as far as anybody has noticed. */
    stalled: z.string().optional().transform(decodeStall),
    /** How many times it was resumed. */
    resumes: z.coerce.number().int().default(0),
    walk: json<Walk>(z.record(z.string(), z.unknown())),
    /** `null`: the run is not verified. */
    verification: json<Verification>(verificationSchema),
    ...canaryShape(),
  }),
);

/**
 * Fields of a run that only matter at this moment: rate, hold and pacing in force, and bookkeeping between cycles. A
 * checkpoint of the run leaves them out, and a run that is recovered begins without them.
 */
export const VOLATILE_FIELDS: readonly string[] = [
  'moment',
  'debt',
  'lateStarts',
  'interval',
  'next interval',
  'next interval at',
  'rateReason',
  'rateSince',
  'holdUntil',
  'holdReason',
  'holdSince',
  'holdBefore',
  'heldAllUntil',
  'heldAllSince',
  'lastCycleAt',
  'lowCycle',
  'lastProgress',
  'retrySequence',
  'retryId',
  'retryUntil',
  'configVersion',
  'partitionMarks',
  'heldFor',
  'concurrency',
  'concurrencyAt',
  'workedBy',
  'budgetWait',
  'stalled',
];

/** A run as Redis stores it, parsed. */
export type RunRecord = Omit<
  z.output<typeof runSchema>,
  'interval' | 'stateSince' | 'rateSince' | 'holdSince' | 'pressureBy' | `canary${string}`
> &
  RecordedTimes & {
    /** `null`: it has none. */
    readonly canary: Canary | null;
    /** The pace in force. */
    readonly pace: Pace;
    /** The throttle of the pressure in force; '' for the quota, `null` where it is not known. */
    readonly throttle: string | null;
    /** Where planning continues, by the name of the partition; `null` at the beginning. */
    readonly cursors: Readonly<Record<string, JsonValue>>;
    /** Rows of the progress by the name of the partition, as far as they were counted; none in a source without partitions. */
    readonly progressBy: Readonly<Record<string, number>>;
  };

/** Who paused a run that is paused; `null` where a process of an earlier version did, which stores no name. */
export function pauserOf({ status, pausedBy, pausedResumes, resumes }: RunRecord): string | null {
  return status === 'paused' && pausedResumes === resumes ? pausedBy : null;
}

const CURSOR = 'cursor:';
/** As `count_progress` of the prelude writes it. */
const PROGRESS = 'progress:';

/** Field of the run hash that holds the cursor of a partition. */
export function cursorField(partition: string): string {
  return `${CURSOR}${partition}`;
}

/** The fields of a run, parsed one by one, and what they were parsed from. */
export interface ParsedFields {
  readonly hash: Readonly<Record<string, string>>;
  readonly values: z.output<typeof runSchema>;
  readonly cursors: Readonly<Record<string, JsonValue>>;
}

/** Parses the hash of a run; throws `BackfillStateError` that names a field which cannot be read. */
export function parseRun(hash: Readonly<Record<string, string>>): RunRecord {
  return recordOf(parseFields(hash));
}

/**
 * Parses the fields of a run; throws as `parseRun` does.
 *
 * @param before an earlier result: a field that has the same text has the same value again
 */
export function parseFields(hash: Readonly<Record<string, string>>, before?: ParsedFields): ParsedFields {
  const values: Record<string, unknown> = {};
  const known: Readonly<Record<string, unknown>> | undefined = before?.values;
  for (const [field, schema] of Object.entries<z.ZodType>(runSchema._zod.innerType.shape)) {
    const stored = hash[field];
    if (known && before?.hash[field] === stored) {
      values[field] = known[field];
      continue;
    }
    const parsed = schema.safeParse(stored);
    if (!parsed.success) {
      throw corruptField(hash, field, parsed.error.issues[0]?.message ?? '');
    }
    values[field] = parsed.data;
  }
  return { hash, values: values as ParsedFields['values'], cursors: parseCursors(hash, before) };
}

function parseCursors(
  hash: Readonly<Record<string, string>>,
  before: ParsedFields | undefined,
): Record<string, JsonValue> {
  const cursors: Record<string, JsonValue> = {};
  for (const field in hash) {
    if (!field.startsWith(CURSOR)) {
      continue;
    }
    const partition = field.slice(CURSOR.length);
    const stored = hash[field] ?? '';
    const known = before?.hash[field] === stored ? before.cursors[partition] : undefined;
    const cursor = known ?? (parseJson(stored) as JsonValue | undefined);
    if (cursor === undefined) {
      throw corruptField(hash, field, 'expected JSON');
    }
    cursors[partition] = cursor;
  }
  return cursors;
}

/** The run with what several fields say together. */
export function recordOf({ hash, values, cursors }: ParsedFields): RunRecord {
  const progressBy: Record<string, number> = {};
  for (const field in hash) {
    if (field.startsWith(PROGRESS)) {
      progressBy[field.slice(PROGRESS.length)] = Number(hash[field]);
    }
  }
  const { interval, ...run } = values;
  const times = recordedTimes({ ...run, interval: hash['interval'] });
  // An undo stores none: a planner of an earlier version, which would ask its source, has nothing to plan.
  const partitions = run.undoes === null ? run.partitions : [{ name: '', bounds: { of: run.undoes } }];
  return {
    ...run,
    ...times,
    partitions,
    canary: canaryOf(run),
    pace: decodePace(interval),
    throttle: throttleOf(run),
    cursors,
    progressBy,
  };
}

/** Processes of earlier versions change the pressure without the throttle, so that its reason is stored beside it. */
function throttleOf({ pressureBy = '', pressureReason }: z.output<typeof runSchema>): string | null {
  const reason = `|${pressureReason ?? ''}`;
  return pressureBy.endsWith(reason) ? pressureBy.slice(0, -reason.length) : null;
}

/** The canary of a run, from the fields of a checkpoint; `null` where it has none, or one that cannot be read. */
export function checkpointCanary(fields: Readonly<Record<string, string>>): Canary | null {
  const parsed = canarySchema.safeParse(fields);
  return parsed.success ? canaryOf(parsed.data) : null;
}

function canaryOf(run: z.output<typeof canarySchema>): Canary | null {
  if (!run.canary) {
    return null;
  }
  return {
    rows: run.canaryRows,
    maxFailures: run.canaryMaxFailures,
    handedOut: run.canaryHandedOut,
    state: run.canary,
    sample: run.canarySample,
    verified: run.canaryVerified,
    verdict: run.canaryVerdict,
  };
}

function corruptField(
  hash: Readonly<Record<string, string>>,
  field: string,
  expected: string,
): BackfillStateError {
  return new BackfillStateError(
    `Run ${hash['id'] ?? '?'} of backfill "${hash['name'] ?? '?'}" cannot be read from Redis: field ` +
      `"${field}" ${expected}, got ${JSON.stringify(hash[field])}. ` +
      'Repair the field, or cancel the run and start another.',
  );
}
