import { BackfillConfigError, BackfillConflictError, idRange } from 'nestjs-backfill';
import type { BackfillEvent } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null, batchSize: 1, maxOutstanding: 500 };

const bench = await createAppBench();

/** A backfill whose ranges wait until the test lets them go on. */
function gated(name: string, source = numbers(1_000)) {
  const state = { running: 0, most: 0, done: 0, open: false };
  const handler = defineBackfill({
    name,
    source,
    config: { ...UNPACED, concurrency: 8 },
    processRange: async (_range, { signal }) => {
      state.running++;
      state.most = Math.max(state.most, state.running);
      await eventually('the gate', () => state.open || signal.aborted, Boolean);
      state.running--;
      signal.throwIfAborted();
      state.done++;
    },
  });
  return { handler, state };
}

describe('the budget of an app', () => {
  it('is changed live, in every process, with its cause in an event', async () => {
    const { handler, state } = gated('gated');
    const events: BackfillEvent[] = [];
    const first = await bench.start({ handlers: [handler] });
    const second = await bench.start({ handlers: [handler] });
    second.backfills.events().subscribe((event) => events.push(event));
    const changed = await first.backfills.configureBudget({ concurrency: 3 }, { by: 'ada', reason: 'busy' });
    expect(changed).toMatchObject({ limits: { concurrency: 3 }, patch: { concurrency: 3 }, version: '1' });
    await first.backfills.start('gated');
    await eventually(
      'the first ranges',
      () => state.running,
      (running) => running === 3,
    );
    await eventually(
      'the budget as what limits it',
      () => second.backfills.status('gated'),
      ({ budget }) => budget?.limit === 'concurrency',
    );
    expect(state.most).toBe(3);
    await second.backfills.configureBudget({ concurrency: 5 }, { version: '1' });
    await eventually(
      'more ranges',
      () => state.running,
      (running) => running === 5,
    );
    expect(await first.backfills.budget()).toMatchObject({ limits: { concurrency: 5 }, ranges: 5 });
    const written = await eventually(
      'the events',
      () => events.filter(({ type }) => type === 'budgetConfigured'),
      ({ length }) => length === 2,
    );
    expect(written[0]).toMatchObject({
      backfill: '*',
      runId: null,
      data: {
        by: 'ada',
        reason: 'busy',
        context: 'default',
        patch: { concurrency: 3 },
        from: { concurrency: null },
      },
    });
    expect(state.most).toBe(5);
    await first.backfills.configureBudget({ concurrency: null, callsPerSecond: { directory: 5 } });
    await eventually(
      'all that workers can',
      () => state.running,
      (running) => running === 16,
    );
    const { limits, version } = await second.backfills.budget();
    expect([limits.concurrency, limits.callsPerSecond, version]).toEqual([null, { directory: 5 }, '3']);
  });

  it('is not changed by what is not valid, nor from an old version', async () => {
    const { backfills } = await bench.start({
      handlers: [gated('gated').handler],
      options: { budget: { perTable: 2 } },
    });
    const wrong = { concurency: 4, rangesPerSecond: 0, callsPerSecond: { 'a b': 1, b: -1 } };
    const error = await backfills.configureBudget(wrong as object).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackfillConfigError);
    expect((error as Error).message).toBe(
      [
        'The budget is not valid (given to configureBudget):',
        '  concurency: expected a known key (did you mean concurrency?), got an unknown key with value 4',
        '  rangesPerSecond: expected a number from 0.001 to 100,000 (ranges per second) or null (no limit), got 0',
        '  callsPerSecond: expected a name that matches ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$, got "a b"',
        '  callsPerSecond.b: expected a number from 0.001 to 1,000,000 (calls per second) or null (no limit), got -1',
        'Nothing was changed. Call configureBudget({ … }) again with these fields corrected.',
      ].join('\n'),
    );
    await expect(backfills.configureBudget({ perTable: 3 }, { version: '7' })).rejects.toThrow(
      BackfillConflictError,
    );
    expect(await backfills.budget()).toMatchObject({ limits: { perTable: 2 }, patch: {}, version: '0' });
    await expect(bench.start({ handlers: [], options: { budget: { perTable: 0 } } })).rejects.toThrow(
      'budget.perTable: expected a whole number from 1 to 1,000 (runs on one table at once) or null (no limit), got 0',
    );
    const heavy = defineBackfill({
      name: 'heavy',
      weight: 0,
      source: numbers(1),
      processRange: () => undefined,
    });
    await expect(bench.start({ handlers: [heavy] })).rejects.toThrow(
      'The option weight of backfill "heavy" must be a number from 0.01 to 1,000, got 0.',
    );
  });

  it('has one run at a time work on a table', async () => {
    await bench.fillItems('SELECT generate_series(1, 20)');
    const first = gated('first', idRange(Item) as never);
    const second = gated('second', idRange(Item) as never);
    const options = { budget: { perTable: 1 } };
    const { backfills, finished } = await bench.start({ handlers: [first.handler, second.handler], options });
    const { runId } = await backfills.start('first');
    await eventually(
      'the first run',
      () => first.state.running,
      (running) => running > 0,
    );
    await backfills.start('second');
    const held = await eventually(
      'the second to wait',
      () => backfills.status('second'),
      (status) => status.held !== null,
    );
    expect(held.held?.reason).toBe(`the budget: run ${runId} works on its table (perTable)`);
    expect(second.state.most).toBe(0);
    second.state.open = true;
    first.state.open = true;
    expect(await finished('first')).toMatchObject({ state: 'completed' });
    expect(await finished('second')).toMatchObject({ state: 'completed' });
    expect(second.state.done).toBe(20);
  });
});
