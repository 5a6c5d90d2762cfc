import { keyset, RateLimitedError } from 'nestjs-backfill';
import type { BackfillEvent, BackfillSource, BackfillVerifyOptions } from 'nestjs-backfill';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackfillRegistry } from '../../../lib/handlers/backfill.registry.js';
import { CycleRunner } from '../../../lib/planning/cycle.runner.js';
import { RangeStore } from '../../../lib/state/range.store.js';
import { RunStore } from '../../../lib/state/run.store.js';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'canaried';
const CONFIG = {
  batchSize: 10,
  concurrency: 2,
  attempts: 1,
  backoffMs: 1,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  maxInitialFailures: null,
};
const allItems = keyset(Item, { orderBy: { id: 'asc' } }) as never as BackfillSource<never, Item>;
const newItems = keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } });

interface Options {
  readonly source?: BackfillSource<never, Item>;
  readonly bad?: ReadonlySet<number>;
  readonly verify?: BackfillVerifyOptions<Item>;
  readonly config?: object;
  readonly ms?: number;
}

/** A backfill that marks items as done, and how often it was given each. */
async function canaried({ source = allItems, bad = new Set(), verify, config, ms = 0 }: Options = {}) {
  const seen: number[] = [];
  const handler = defineBackfill<never, Item>({
    name: NAME,
    source,
    config: { ...CONFIG, ...config },
    ...(verify ? { verify } : {}),
    processBatch: async (rows) => {
      await sleep(ms);
      seen.push(...rows.map(({ id }) => id));
      const failing = rows.find(({ id }) => bad.has(id));
      if (failing) {
        throw new Error(`item ${failing.id} is bad`);
      }
      rows.forEach((row) => (row.state = 'done'));
    },
  });
  const app = await bench.start({ handlers: [handler] });
  return { ...app, seen, handler };
}

beforeEach(() => bench.fillItems('SELECT generate_series(1, 100)'));

describe('the verdict of a canary', () => {
  it('is told by event, log, history, runs and status', async () => {
    const { backfills, finished, logs } = await canaried();
    const events: BackfillEvent[] = [];
    const subscription = backfills.events().subscribe((event) => events.push(event));
    await backfills.start(NAME, { canary: { rows: 25, maxFailures: 2 }, startedBy: 'ada' });
    const reason = 'canary passed: 25 rows handed out, no failures';
    const { canary } = await finished(NAME);
    expect(canary).toEqual({
      rows: 25,
      maxFailures: 2,
      handedOut: 25,
      state: 'passed',
      verdict: {
        passed: true,
        reason,
        rowsDone: 25,
        rowsFailed: 0,
        failures: 0,
        rowsMissing: 0,
        rowsRepeated: 0,
        rowsRechecked: 0,
        throttles: 0,
        durationMs: expect.any(Number),
        msPerRow: expect.any(Number),
        verified: null,
      },
    });
    expect(canary?.verdict?.msPerRow).toBeGreaterThan(0);
    expect(await backfills.status(NAME)).toMatchObject({ state: 'paused', stateReason: reason });
    expect(await backfills.runs(NAME)).toMatchObject([{ canary }]);
    const history = await backfills.history(NAME);
    expect(history.map(({ type }) => type)).toEqual(['paused', 'canaryEnded', 'started']);
    expect(history).toMatchObject([
      { data: { by: 'nestjs-backfill', reason } },
      { data: canary?.verdict },
      { data: { canary: { rows: 25, maxFailures: 2 } } },
    ]);
    await eventually(
      'the event',
      () => events.map(({ type }) => type),
      (types) => types.includes('paused'),
    );
    expect(events.find(({ type }) => type === 'canaryEnded')?.data).toEqual(canary?.verdict);
    expect(logs.having('started with a canary of 25 rows by ada')).toHaveLength(1);
    await eventually(
      'the line',
      () => logs.having(reason),
      (lines) => lines.length >= 2,
    );
    subscription.unsubscribe();
  });

  it('fails above maxFailures before all rows are handed out, and a resumed run goes on', async () => {
    const bad = new Set([3, 14]);
    const config = { concurrency: 1, maxOutstanding: 1 };
    const { backfills, finished } = await canaried({ bad, config });
    await backfills.start(NAME, { canary: { rows: 80, maxFailures: 1 } });
    const status = await finished(NAME);
    expect(status).toMatchObject({
      state: 'paused',
      stateReason: 'canary failed: 2 failures exceed its maxFailures (1)',
      canary: { state: 'failed', verdict: { passed: false, failures: 2, rowsFailed: 2 } },
    });
    expect(status.canary?.handedOut).toBeLessThan(80);
    expect(status.canary?.verdict?.rowsRepeated).toBeGreaterThan(0);

    bad.clear();
    await backfills.retryFailures(NAME);
    expect(await backfills.status(NAME)).toMatchObject({ state: 'paused', canary: { state: 'failed' } });
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
  });

  it('passes with failures that are allowed; they are retried in the same run', async () => {
    const bad = new Set([3]);
    const { backfills, finished } = await canaried({ bad });
    await backfills.start(NAME, { canary: { rows: 15, maxFailures: 1 } });
    expect(await finished(NAME)).toMatchObject({
      state: 'paused',
      rowsDone: 14,
      canary: { handedOut: 15, verdict: { reason: 'canary passed: 15 rows handed out, 1 failure' } },
    });
    bad.clear();
    await backfills.retryFailures(NAME);
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'completed',
      rowsDone: 100,
      canary: { verdict: { failures: 1 } },
    });
  });

  it('is the end of a run with fewer rows, also where one failed', async () => {
    const { backfills, finished } = await canaried({ bad: new Set([100]), config: { concurrency: 1 } });
    await backfills.start(NAME, { canary: { rows: 500, maxFailures: 1 } });
    expect(await finished(NAME)).toMatchObject({
      state: 'failed',
      rowsFailed: 1,
      canary: { handedOut: 100, state: 'passed', verdict: { failures: 1 } },
    });
  });

  it('says what verifyRow says of the rows, and the wrong ones are failures', async () => {
    const row = ({ id, state }: Item) => (state === 'done' && id !== 7) || `item ${id} is wrong`;
    const { backfills, finished } = await canaried({ verify: { row, sweeps: 0 }, source: newItems as never });
    await backfills.start(NAME, { canary: { rows: 25 }, verify: false });
    expect(await finished(NAME)).toMatchObject({
      state: 'paused',
      rowsDone: 24,
      canary: {
        state: 'failed',
        verdict: { failures: 1, rowsFailed: 1, verified: { sampled: 25, mismatched: 1 } },
      },
    });
    expect(await backfills.failures(NAME)).toMatchObject({
      items: [{ error: { message: 'item 7 is wrong' } }],
    });
  });

  it('comes before the verification of the run, which begins once the run is resumed', async () => {
    const row = ({ state }: Item) => state === 'done';
    const { backfills, finished } = await canaried({ source: newItems as never, verify: { row } });
    await backfills.start(NAME, { canary: { rows: 25 } });
    expect(await finished(NAME)).toMatchObject({
      state: 'paused',
      verified: { left: null, sampled: 0 },
      canary: { verdict: { passed: true, verified: { sampled: 25, mismatched: 0 } } },
    });
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, sampled: 100 } });

    await bench.fillItems('SELECT generate_series(1, 20)');
    await backfills.start(NAME, { canary: { rows: 25 } });
    expect(await finished(NAME)).toMatchObject({
      state: 'completed',
      verified: { left: 0, sampled: 20 },
      canary: { handedOut: 20, verdict: { verified: { sampled: 20 } } },
    });
  });
});

describe('a canary that is under way', () => {
  it('goes on after a pause of an operator, and has no verdict where it is cancelled', async () => {
    const { backfills, finished, seen } = await canaried({
      ms: 20,
      config: { batchSize: 1, concurrency: 1 },
    });
    await backfills.start(NAME, { canary: { rows: 30 } });
    await eventually(
      'a row',
      () => seen.length,
      (length) => length > 2,
    );
    await backfills.pause(NAME);
    expect(await backfills.status(NAME)).toMatchObject({ canary: { state: 'running', verdict: null } });
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'paused',
      rowsDone: 30,
      canary: { state: 'passed' },
    });
    await backfills.cancel(NAME);

    await backfills.start(NAME, { canary: { rows: 30 } });
    await backfills.cancel(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'cancelled',
      canary: { state: 'running', verdict: null },
    });
  });

  it('is not exceeded by planners that work at once, nor by one of an earlier version', async () => {
    const { backfills, finished, app, seen } = await canaried({ config: { batchSize: 7 } });
    const { runId } = await backfills.start(NAME, { canary: { rows: 30 } });
    const runner = app.get(CycleRunner, { strict: false });
    const runs = app.get(RunStore, { strict: false });
    const cycle = { backfill: NAME, run: runId };
    for (let i = 0; i < 5; i++) {
      const current = (await runs.read(runId))?.cycle ?? 0;
      await Promise.all(
        [1, 2, 3].map(() => runner.run({ ...cycle, cycle: current }, new AbortController().signal)),
      );
    }
    expect(await finished(NAME)).toMatchObject({ state: 'paused', canary: { handedOut: 30 } });
    expect(new Set(seen).size).toBe(30);

    await backfills.resume(NAME, {});
    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 100 });
  });

  it('refuses ranges that would exceed it, and cursors without its fence', async () => {
    const { backfills, app } = await canaried({ config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    const { runId } = await backfills.start(NAME, { canary: { rows: 30 } });
    const ranges = app.get(RangeStore, { strict: false });
    const backfill = app.get(BackfillRegistry, { strict: false }).get(NAME);
    const reserve = (rows: number, fence: '' | ' ' | '  ') =>
      ranges.reserve(
        { runId, backfill },
        {
          seq: 0,
          partition: '',
          from: null,
          cursor: [5],
          ranges: [{ data: [[1], [5]], rows }],
          exhausted: false,
          partitionsDone: [],
          rangesPerJob: 1,
          fence,
        },
      );
    expect(await reserve(31, '  ')).toEqual({ kind: 'stale' });
    expect(await reserve(5, '')).toEqual({ kind: 'stale' });
    expect(await reserve(5, ' ')).toEqual({ kind: 'stale' });
    expect(await reserve(30, '  ')).toMatchObject({ kind: 'reserved' });
    expect((await backfills.status(NAME)).canary).toMatchObject({ handedOut: 30, state: 'running' });
    await backfills.cancel(NAME);
  });

  it('counts holds, and rows that were claimed again', async () => {
    let calls = 0;
    const handler = defineBackfill<never>({
      name: NAME,
      source: numbers(40),
      config: { ...CONFIG, concurrency: 1 },
      processBatch: () => {
        if (calls++ === 0) {
          throw new RateLimitedError(50);
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME, { canary: { rows: 20 } });
    const { canary } = await finished(NAME);
    expect(canary).toMatchObject({ state: 'passed', verdict: { throttles: 1 } });
    expect(canary?.verdict?.rowsRepeated).toBeGreaterThanOrEqual(10);
  });
});

it.each([
  [{ rows: 0 }, 'canary.rows', 'a whole number from 1 to 1,000,000,000'],
  [{ rows: 5, maxFailures: -1 }, 'canary.maxFailures', 'a whole number from 0 to 1,000,000,000'],
  [{ rows: 5, other: 1 }, 'canary', 'the fields rows and maxFailures, not "other"'],
  [7, 'canary', 'an object such as { rows: 1000, maxFailures: 0 }'],
])('start refuses the canary %j', async (canary, field, expected) => {
  const { backfills } = await canaried();
  await expect(backfills.start(NAME, { canary: canary as never })).rejects.toMatchObject({
    code: 'BACKFILL_REQUEST_INVALID',
    field,
    expected,
  });
});
