import { describe, expect, it } from '@jest/globals';
import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import fc from 'fast-check';
import type { Outcome } from '../../../../lib/processing/execution.js';
import { UNLIMITED_PERMITS, RowSemaphore } from '../../../../lib/processing/rows/row.semaphore.js';
import { RowProcessor } from '../../../../lib/processing/rows/row.processor.js';
import type { RowProcessorDeps } from '../../../../lib/processing/rows/row-processor-deps.js';
import type { JsonValue } from '../../../../lib/sources/backfill-source.js';
import { Item } from '../../../support/apps/item.entity.js';

/** What a row does: succeed or throw, after some turns of the event loop. */
interface Row {
  readonly id: number;
  readonly fails: boolean;
  readonly turns: number;
  /** Whether it no longer matches when it is loaded again. */
  readonly gone: boolean;
}

const rows = fc
  .array(fc.record({ fails: fc.boolean(), turns: fc.nat({ max: 4 }), gone: fc.boolean() }), { maxLength: 40 })
  .map((all) => all.map((row, id): Row => ({ id, ...row })));
const concurrency = fc.integer({ min: 1, max: 10 });

// Never connects: there is nothing to flush.
const orm = new MikroORM({ driver: PostgreSqlDriver, dbName: 'none', entities: [Item] });
const em = () => orm.em.fork();

/** What a handler sees of the rows. */
interface Seen {
  active: number;
  most: number;
  readonly started: Row[];
}

const flush = async () => ({ changed: [], locked: [] });

/** Processes rows as one range. */
async function processRows(
  all: readonly Row[],
  deps: Partial<RowProcessorDeps>,
  seen: Seen = { active: 0, most: 0, started: [] },
) {
  const outcome = await new RowProcessor(
    { em: em(), rows: [...all], flush },
    {
      keyOf: (row) => (row as Row).id,
      retriesContended: true,
      changedAgain: () => new Error('changed again'),
      concurrency: () => 1,
      permits: UNLIMITED_PERMITS,
      timeoutMs: () => null,
      acknowledgeMs: () => 60_000,
      acquireQuota: () => undefined,
      handle: async (given) => {
        const row = given as Row;
        seen.started.push(row);
        seen.most = Math.max(seen.most, ++seen.active);
        for (let i = 0; i < row.turns; i++) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        seen.active--;
        if (row.fails) {
          throw new Error('no');
        }
      },
      reload: () => Promise.reject(new Error('not asked')),
      acknowledge: null,
      escalate: () => Promise.resolve(true),
      signal: new AbortController().signal,
      ...deps,
    },
  ).run();
  return { outcome, seen, ...summaryOf(outcome) };
}

function summaryOf(outcome: Outcome): { rows: number; failed: JsonValue[]; remaining: readonly JsonValue[] } {
  if (outcome.kind === 'failed') {
    throw outcome.error;
  }
  return outcome.kind === 'done'
    ? { rows: Number(outcome.rows), failed: [], remaining: [] }
    : { rows: outcome.rows, failed: outcome.failed.map(({ key }) => key), remaining: outcome.remaining };
}

const ids = (all: readonly Row[]) => all.map(({ id }) => id);
const sorted = (keys: readonly JsonValue[]) => keys.map(Number).toSorted((a, b) => a - b);

describe('the rows of a range', () => {
  it('each end done or failed, so many at once, whichever others throw', async () => {
    await fc.assert(
      fc.asyncProperty(rows, concurrency, async (all, most) => {
        const processed = await processRows(all, { concurrency: () => most });
        expect(processed.remaining).toEqual([]);
        expect(sorted(processed.failed)).toEqual(ids(all.filter(({ fails }) => fails)));
        expect(processed.rows).toBe(all.filter(({ fails }) => !fails).length);
        expect(sorted(ids(processed.seen.started))).toEqual(ids(all));
        expect(processed.seen.most).toBeLessThanOrEqual(most);
      }),
    );
  });

  it('remain once the range is stopped; those that are running are waited for', async () => {
    await fc.assert(
      fc.asyncProperty(rows, concurrency, fc.nat({ max: 40 }), async (all, most, last) => {
        const controller = new AbortController();
        let admitted = 0;
        const { seen, ...processed } = await processRows(all, {
          concurrency: () => most,
          signal: controller.signal,
          acquireQuota: (signal) => {
            if (admitted++ === last) {
              controller.abort(new Error('stopped'));
            }
            return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve();
          },
        });
        expect(seen.active).toBe(0);
        expect(processed.rows + processed.failed.length).toBe(seen.started.length);
        expect(sorted([...processed.remaining, ...ids(seen.started)])).toEqual(ids(all));
      }),
    );
  });

  it('are acknowledged before and at the end, none twice, unless they no longer match', async () => {
    await fc.assert(
      fc.asyncProperty(rows, concurrency, async (all, most) => {
        let acknowledged = 0;
        let remaining: readonly JsonValue[] = ids(all);
        const gone = new Set<number>();
        const {
          rows: atEnd,
          failed,
          remaining: atLast,
        } = await processRows(all, {
          concurrency: () => most,
          acknowledgeMs: () => 0,
          acknowledge: async (done, rest) => {
            acknowledged += done;
            expect(rest.every((key) => remaining.includes(key))).toBe(true);
            remaining = rest;
          },
          reload: async (keys) => {
            const wanted = all.filter(({ id }) => keys.includes(id));
            wanted.filter(({ gone: lost }) => lost).forEach(({ id }) => gone.add(id));
            return { em: em(), rows: wanted.filter((row) => !row.gone), flush };
          },
        });
        expect(atLast).toEqual([]);
        const skipped = all.filter(({ id }) => gone.has(id)).length;
        // A row that started while the others were loaded again may have been among those that are gone.
        expect(acknowledged + atEnd + failed.length).toBeGreaterThanOrEqual(all.length - skipped);
        expect(acknowledged + atEnd + failed.length).toBeLessThanOrEqual(all.length);
        expect(failed.every((key) => all.find(({ id }) => id === key)?.fails)).toBe(true);
      }),
    );
  });

  it('of several ranges share the permits of the process', async () => {
    const many = fc.array(rows, { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(many, concurrency, fc.integer({ min: 1, max: 3 }), async (ranges, most, atOnce) => {
        const semaphore = new RowSemaphore(
          () => atOnce,
          () => most,
        );
        const seen: Seen = { active: 0, most: 0, started: [] };
        const processRange = async (all: readonly Row[]) => {
          const permits = await semaphore.acquireRange();
          const processed = await processRows(all, { concurrency: () => most, permits }, seen);
          semaphore.releaseRange(permits);
          return processed;
        };
        const outcomes = await Promise.all(ranges.map(processRange));
        expect(seen.most).toBeLessThanOrEqual(most * atOnce);
        expect(outcomes.flatMap(({ remaining }) => remaining)).toEqual([]);
        expect(outcomes.map(({ rows: done, failed }) => done + failed.length)).toEqual(
          ranges.map(({ length }) => length),
        );
        expect(seen.started.length).toBe(ranges.flat().length);
      }),
    );
  });
});
