import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillEvent } from 'nestjs-backfill';
import { RunStore } from '../../../lib/state/run.store.js';
import { RunBreaker } from '../../../lib/supervision/run.breaker.js';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };

/** A backfill over 1..count whose handlers wait for `open` and say when they began and were told to stop. */
function gated(count: number, config = {}) {
  const seen: NumberRange[] = [];
  const aborted: string[] = [];
  const gate = { open: false };
  const handler = defineBackfill<NumberRange>({
    name: 'gated',
    source: numbers(count),
    config: { batchSize: 10, concurrency: 2, attempts: 1, ...unpaced, ...config },
    processRange: async (range, { signal }) => {
      seen.push(range);
      while (!gate.open) {
        if (signal.aborted) {
          aborted.push((signal.reason as Error).message);
          signal.throwIfAborted();
        }
        await sleep(5);
      }
    },
  });
  return { handler, seen, aborted, release: () => (gate.open = true) };
}

describe('start', () => {
  it('of ten requests at once makes one run', async () => {
    const { handler, release } = gated(100);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => backfills.start('gated')));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await backfills.runs('gated')).toHaveLength(1);
    release();
    expect(await finished('gated')).toMatchObject({
      state: 'completed',
      planned: 10,
      done: 10,
      rowsDone: 100,
    });
  });

  it('of the same request ten times answers one run, also once it is over', async () => {
    const { handler, release } = gated(100);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    const request = () => backfills.start('gated', { idempotencyKey: 'deploy-7' });
    const receipts = await Promise.all(Array.from({ length: 10 }, request));
    expect(new Set(receipts.map(({ runId }) => runId)).size).toBe(1);
    expect(receipts.filter(({ changed }) => changed)).toHaveLength(1);
    release();
    await finished('gated');
    expect(await request()).toEqual({ runId: receipts[0]?.runId, state: 'completed', changed: false });
    await expect(backfills.start('gated', { idempotencyKey: 'deploy-8' })).resolves.toMatchObject({
      changed: true,
    });
    expect(await backfills.runs('gated')).toHaveLength(2);
  });

  it('keeps who, why and the config of the request', async () => {
    const { handler, release } = gated(40);
    release();
    const { backfills, finished, newest } = await bench.start({ handlers: [handler] });
    await backfills.start('gated', { startedBy: 'ada', reason: 'ticket 5', config: { batchSize: 20 } });
    expect(await finished('gated')).toMatchObject({ planned: 2, startedBy: 'ada', reason: 'ticket 5' });
    expect(await newest('gated')).toMatchObject({ startedBy: 'ada', reason: 'ticket 5', dryRun: false });
    expect(await backfills.config('gated')).toMatchObject({
      config: { batchSize: 20 },
      patch: { batchSize: 20 },
    });
  });

  it('with a bad config names the field and starts nothing', async () => {
    const { handler } = gated(40);
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.start('gated', { config: { batchSize: 0 } })).rejects.toThrow(
      /"gated".*given to start[^]*batchSize: expected a whole number from 1 to 1,000,000/,
    );
    expect(await backfills.status('gated')).toMatchObject({ state: 'idle', runId: null });
  });

  it.each([
    ['no time', 'soon', /"gated": expected finishBy to be a time, such as 2030-01-31T12:00:00Z, got "soon"/],
    ['an invalid date', new Date(Number.NaN), /expected finishBy to be a time, such as/],
    ['in the past', new Date(Date.now() - 3_600_000), /expected finishBy to be a time in the future, got/],
  ])('with a finishBy that is %s says so, and changes and starts nothing', async (_, finishBy, error) => {
    const { handler } = gated(40);
    const { backfills } = await bench.start({ handlers: [handler] });
    const config = { batchSize: 20 };
    await expect(backfills.start('gated', { finishBy, config })).rejects.toThrow(error);
    expect(await backfills.config('gated')).toMatchObject({ patch: {} });
    expect(await backfills.status('gated')).toMatchObject({ state: 'idle', runId: null, finishBy: null });
  });

  it('keeps when it should have ended', async () => {
    const { handler, release } = gated(40);
    const { app, backfills, finished, newest } = await bench.start({ handlers: [handler] });
    const finishBy = new Date(Date.now() + 3_600_000);
    const request = () => backfills.start('gated', { finishBy, idempotencyKey: 'by-night' });
    const { runId } = await request();
    expect(await backfills.status('gated')).toMatchObject({ finishBy: finishBy.toISOString() });
    await backfills.pause('gated');
    await backfills.resume('gated');
    release();
    expect(await finished('gated')).toMatchObject({ finishBy: finishBy.toISOString() });
    expect(await newest('gated')).toMatchObject({ finishBy: finishBy.toISOString() });
    expect(await backfills.history('gated')).toContainEqual(
      expect.objectContaining({
        type: 'started',
        data: expect.objectContaining({ finishBy: finishBy.getTime() }),
      }),
    );
    // What it says is not read by the run itself.
    await app.get(RunStore).setFields(runId, { finishBy: 'never' });
    expect(await backfills.status('gated')).toMatchObject({ state: 'completed', finishBy: null });
    // A request that is repeated once that is over starts nothing, and is answered.
    expect(await backfills.start('gated', { finishBy: 1, idempotencyKey: 'by-night' })).toMatchObject({
      runId,
      changed: false,
    });
    await expect(backfills.start('gated', { finishBy: 1, idempotencyKey: 'other' })).rejects.toThrow(
      'a time in the future',
    );
  });

  it('of an empty source completes at once', async () => {
    const { handler, seen } = gated(0);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('gated');
    expect(await finished('gated')).toMatchObject({ state: 'completed', planned: 0, percent: 100 });
    expect(seen).toEqual([]);
  });
});

describe('pause', () => {
  it('starts nothing more, tells handlers, and resume goes on with what is left', async () => {
    const { handler, seen, aborted, release } = gated(200);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('gated');
    await eventually(
      'two ranges in flight',
      () => seen.length,
      (count) => count === 2,
    );
    await backfills.pause('gated');
    await eventually(
      'both to be told',
      () => aborted.length,
      (count) => count === 2,
    );
    expect(aborted).toEqual(['The backfill was stopped', 'The backfill was stopped']);
    release();
    const after = seen.length;
    await sleep(1500);
    expect(seen).toHaveLength(after);
    expect(await backfills.status('gated')).toMatchObject({ state: 'paused', done: 0, failed: 0 });

    await backfills.resume('gated');
    expect(await finished('gated')).toMatchObject({
      state: 'completed',
      planned: 20,
      done: 20,
      rowsDone: 200,
    });
    // Those that were told to stop came again; a stop is no try.
    expect(seen.map(({ low }) => low).toSorted((a, b) => a - b)).toEqual(
      [
        ...Array.from({ length: 20 }, (_, i) => i * 10 + 1),
        ...seen.slice(0, 2).map(({ low }) => low),
      ].toSorted((a, b) => a - b),
    );
  });

  it('is not done again by an error that is older than the memory Redis was given', async () => {
    const { handler, release } = gated(100);
    const { app, backfills, finished } = await bench.start({ handlers: [handler] });
    const { runId } = await backfills.start('gated');
    const late = new Error("OOM command not allowed when used memory > 'maxmemory'.");
    expect(await app.get(RunBreaker, { strict: false }).pauseIfOutOfMemory('gated', runId, late)).toBe(false);
    expect(await backfills.status('gated')).toMatchObject({ state: 'running' });
    release();
    expect(await finished('gated')).toMatchObject({ state: 'completed' });
  });

  it('outlives a restart of the app', async () => {
    const first = gated(100);
    const before = await bench.start({ handlers: [first.handler] });
    await before.backfills.start('gated');
    await eventually(
      'a range in flight',
      () => first.seen.length,
      (count) => count > 0,
    );
    await before.backfills.pause('gated');
    await before.close();

    const second = gated(100);
    second.release();
    const { backfills, finished } = await bench.start({ handlers: [second.handler] });
    await sleep(1500);
    expect(second.seen).toEqual([]);
    await backfills.resume('gated');
    expect(await finished('gated')).toMatchObject({ state: 'completed', done: 10, rowsDone: 100 });
    expect(new Set(second.seen.map(({ low }) => low)).size).toBe(10);
  });
});

describe('cancel', () => {
  it('stops for good, and another run begins anew', async () => {
    const { handler, seen, aborted, release } = gated(100);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('gated');
    await eventually(
      'two ranges in flight',
      () => seen.length,
      (count) => count === 2,
    );
    await backfills.cancel('gated');
    expect(await backfills.status('gated')).toMatchObject({ state: 'cancelled', outstanding: 0, eta: null });
    await eventually(
      'both to be told',
      () => aborted.length,
      (count) => count === 2,
    );
    seen.length = 0;
    release();
    await backfills.start('gated');
    expect(await finished('gated')).toMatchObject({ state: 'completed', planned: 10, done: 10 });
    expect(seen).toHaveLength(10);
    expect((await backfills.runs('gated')).map(({ status }) => status)).toEqual(['completed', 'cancelled']);
  });
});

describe('events', () => {
  it('tell the life of a run in order, in every process', async () => {
    const { handler, release } = gated(100);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    const other = await bench.start({ handlers: [gated(100).handler], options: { workers: false } });
    const told: BackfillEvent[] = [];
    const toldOther: BackfillEvent[] = [];
    backfills.events().subscribe((event) => told.push(event));
    other.backfills.events().subscribe((event) => toldOther.push(event));
    await backfills.start('gated');
    await backfills.pause('gated');
    await backfills.configure('gated', { batchSize: 5 });
    await backfills.resume('gated');
    release();
    await finished('gated');
    await eventually(
      'the end to be told',
      () => toldOther.at(-1)?.type,
      (type) => type === 'completed',
    );
    await eventually(
      'the end to be told',
      () => told.at(-1)?.type,
      (type) => type === 'completed',
    );
    const moves = told.map(({ type }) => type).filter((type) => type !== 'planned' && type !== 'throttled');
    expect(moves.filter((type) => type !== 'rangeCompleted')).toEqual([
      'started',
      'paused',
      'configured',
      'resumed',
      'completed',
    ]);
    expect(moves).toContain('rangeCompleted');
    expect(told.find(({ type }) => type === 'planned')).toBeDefined();
    expect(toldOther).toEqual(told);
  });
});
