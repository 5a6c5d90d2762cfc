import type { z } from 'zod';
import { BackfillSourceError } from '../errors/backfill-source.error.js';
import {
  inspection,
  jsonValue,
  opening,
  plan,
  plannedRanges,
  rowCount,
  rowList,
  sweepOpening,
  walk,
} from './answer-schemas.js';
import type { BackfillSource, JsonValue, PlanRequest, SourcePlan } from './backfill-source.js';

/**
 * The source, with its answers parsed: what it answers is stored in Redis, and a number of rows that is `NaN` there
 * breaks the run. Methods that the source does not have are absent here, too.
 *
 * @throws BackfillSourceError from each method whose answer is malformed
 */
export function checkedSource(source: BackfillSource, backfill: string): BackfillSource {
  const parse = <Answer>(schema: z.ZodType<Answer>, method: string, answer: unknown): Answer => {
    const parsed = schema.safeParse(answer);
    if (parsed.success) {
      // Not the copy of the schema: a source may add fields.
      return answer as Answer;
    }
    const [issue] = parsed.error.issues;
    const field = [`${method}()`, ...(issue?.path ?? []).map(String)].join('.');
    throw malformed(source, backfill, field, issue?.message ?? '');
  };
  const checks: Partial<Record<keyof BackfillSource, unknown>> = {
    open: async (...args: Parameters<BackfillSource['open']>) =>
      parse(opening, 'open', await source.open(...args)),
    plan: async (...args: Parameters<BackfillSource['plan']>) => {
      const answer = parse(plan, 'plan', await source.plan(...args));
      assertProgress(source, backfill, args[1], answer);
      return answer;
    },
    planExact: async (...args: Parameters<NonNullable<BackfillSource['planExact']>>) => {
      const answer = parse(plan, 'planExact', await source.planExact?.(...args));
      assertProgress(source, backfill, args[1], answer, 'planExact');
      return answer;
    },
    openSweep: async (...args: Parameters<NonNullable<BackfillSource['openSweep']>>) =>
      parse(sweepOpening, 'openSweep', (await source.openSweep?.(...args)) ?? null),
    planSweep: async (...args: Parameters<NonNullable<BackfillSource['planSweep']>>) => {
      const answer = parse(plan, 'planSweep', await source.planSweep?.(...args));
      assertProgress(source, backfill, args[1], answer, 'planSweep');
      return answer;
    },
    walk: (...args: Parameters<NonNullable<BackfillSource['walk']>>) =>
      parse(walk, 'walk', source.walk?.(...args)),
    load: async (...args: Parameters<NonNullable<BackfillSource['load']>>) =>
      parse(rowList, 'load', await source.load?.(...args)),
    loadKeys: async (...args: Parameters<NonNullable<BackfillSource['loadKeys']>>) =>
      parse(rowList, 'loadKeys', await source.loadKeys?.(...args)),
    loadKeysUnfiltered: async (...args: Parameters<NonNullable<BackfillSource['loadKeysUnfiltered']>>) =>
      parse(rowList, 'loadKeysUnfiltered', await source.loadKeysUnfiltered?.(...args)),
    keyOf: (row: unknown) => {
      const key: unknown = source.keyOf?.(row);
      return isScalarKey(key) ? key : parse(jsonValue, 'keyOf', key);
    },
    split: async (...args: Parameters<NonNullable<BackfillSource['split']>>) =>
      parse(plannedRanges, 'split', await source.split?.(...args)),
    describe: (data: JsonValue) => parse(jsonValue.optional(), 'describe', source.describe?.(data)),
    countLeft: async (...args: Parameters<NonNullable<BackfillSource['countLeft']>>) =>
      parse(rowCount.nullable(), 'countLeft', await source.countLeft?.(...args)),
    countPlanned: async (...args: Parameters<NonNullable<BackfillSource['countPlanned']>>) =>
      parse(rowCount, 'countPlanned', await source.countPlanned?.(...args)),
    countOutside: async (...args: Parameters<NonNullable<BackfillSource['countOutside']>>) =>
      parse(rowCount, 'countOutside', await source.countOutside?.(...args)),
    inspect: async (...args: Parameters<NonNullable<BackfillSource['inspect']>>) =>
      parse(inspection, 'inspect', await source.inspect?.(...args)),
  };
  const bound = new WeakMap<object, unknown>();
  // Not around the source itself: what a proxy answers for a frozen object cannot differ from it.
  return new Proxy<BackfillSource>({} as BackfillSource, {
    get: (_, name) => {
      const value: unknown = Reflect.get(source, name);
      if (typeof value !== 'function') {
        return value;
      }
      const check: unknown = Reflect.get(checks, name);
      if (check !== undefined) {
        return check;
      }
      // Bound to the source: a method may use private fields. Once: some are read for each range.
      const known = bound.get(value) ?? (value as (...args: unknown[]) => unknown).bind(source);
      bound.set(value, known);
      return known;
    },
    has: (_, name) => name in source,
    getPrototypeOf: () => Reflect.getPrototypeOf(source),
  });
}

/** A plan without ranges, at the same cursor, would be asked for again without end. */
function assertProgress(
  source: BackfillSource,
  backfill: string,
  { cursor, partition }: PlanRequest,
  answer: SourcePlan,
  method = 'plan',
): void {
  if (!answer.exhausted && JSON.stringify(answer.cursor) === JSON.stringify(cursor)) {
    const where = partition === '' ? '' : ` of partition "${partition}"`;
    throw malformed(
      source,
      backfill,
      `${method}().cursor`,
      `expected a cursor after ${JSON.stringify(cursor)}${where}, or exhausted: true, got the same cursor`,
    );
  }
}

function malformed(
  { kind }: BackfillSource,
  backfill: string,
  field: string,
  message: string,
): BackfillSourceError {
  const [, expected = message, received = 'another value'] = /^expected (.*), got (.*)$/s.exec(message) ?? [];
  return new BackfillSourceError({
    code: 'BACKFILL_SOURCE_ANSWER',
    backfill,
    entity: 'its rows',
    field,
    expected,
    received,
    remedy: `Correct the source of kind "${kind}": BackfillSource describes what each method answers.`,
  });
}

/** The usual keys, which need no schema: rows are many. */
function isScalarKey(key: unknown): key is string | number {
  return typeof key === 'string' || (typeof key === 'number' && Number.isFinite(key));
}
