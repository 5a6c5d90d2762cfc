import { setTimeout as sleep } from 'node:timers/promises';
import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import type { BackfillBudget } from '../../../lib/config/backfill-budget.js';
import { RunBudget } from '../../../lib/pacing/budget/run.budget.js';
import type { BudgetMember } from '../../../lib/pacing/budget/run.budget.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { RangeStore, type WorkedRun } from '../../../lib/state/range.store.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { monitorCommands } from '../../support/services/monitor-commands.js';

const LEASE_MS = 1_000;

const bench = await createAppBench();

/** Runs that only the test claims, under a budget. */
async function bareRuns(count: number, budget: BackfillBudget, ranges = 2000) {
  const names = Array.from({ length: count }, (_, i) => `run-${i}`);
  const handlers = names.map((name) =>
    defineBackfill({ name, source: numbers(1), processRange: () => undefined }),
  );
  const { app, backfills } = await bench.start({ handlers, options: { workers: false } });
  // It would apply the rate of the config again.
  await app.get(BackfillWatchdog, { strict: false }).close();
  const rangeStore = app.get(RangeStore, { strict: false });
  const { client } = app.get(RedisConnections, { strict: false });
  const keys = app.get(BackfillKeys, { strict: false });
  const current = { limits: resolveBudget(budget), context: 'default' };
  const runs = [];
  for (const name of names) {
    const config = { perSecondOnPeak: null, perSecondOffPeak: null };
    const { runId } = await backfills.start(name, { config });
    const run: WorkedRun = { runId, backfill: { version: null, onOtherVersion: 'warn' } };
    await rangeStore.reserve(run, {
      seq: 0,
      partition: '',
      from: null,
      cursor: null,
      ranges: Array.from({ length: ranges }, (_, i) => ({ data: i, rows: 10 })),
      exhausted: true,
      partitionsDone: [''],
      rangesPerJob: 1,
    });
    let next = 0;
    /** A process that works on the run. */
    const member = (processId: string, given: Partial<BudgetMember> = {}, context = 'default') => {
      const of = { runId, processId, weight: 1, table: '', leaseMs: LEASE_MS, ...given };
      const used = new RunBudget(of, context === 'default' ? current : { ...current, context });
      return {
        used,
        claim: async (most = 1) => {
          const indexes = Array.from({ length: most }, (_, i) => next + i);
          const answer = await rangeStore.claim(run, indexes, 250, undefined, [], used.claim());
          next += answer.claims.length;
          used.acquire(answer.claims.length);
          return answer;
        },
        report: () => rangeStore.claim(run, [], 250, undefined, [], used.claim()),
      };
    };
    runs.push({ name, runId, run, member });
  }
  const limit = (changed: BackfillBudget) => {
    current.limits = resolveBudget(changed);
  };
  return { app, backfills, client, keys, rangeStore, runs, limit };
}

describe('claims under a budget', () => {
  it('are granted up to its concurrency in all processes together, and again once a range has ended', async () => {
    const { runs, backfills } = await bareRuns(2, { concurrency: 3 });
    const [first, second] = [runs[0]?.member('a'), runs[1]?.member('b')];
    expect(await first?.claim(5)).toMatchObject({ status: 'budget', claims: [{}, {}, {}] });
    expect(await second?.claim(1)).toMatchObject({ status: 'budget', claims: [] });
    first?.used.release(10);
    // The other run waits, and its turn is next.
    expect(await first?.claim(1)).toMatchObject({ status: 'budget', claims: [], nextRun: runs[1]?.runId });
    expect(await second?.claim(1)).toMatchObject({ status: 'granted' });
    expect(await backfills.budget()).toMatchObject({ ranges: 3 });
  });

  it('have the permits of a process that died again once its lease has expired', async () => {
    const { runs } = await bareRuns(2, { concurrency: 2 });
    const [dead, alive] = [runs[0]?.member('dead'), runs[1]?.member('alive')];
    expect(await dead?.claim(2)).toMatchObject({ status: 'granted' });
    expect(await alive?.claim(2)).toMatchObject({ status: 'budget', claims: [] });
    await eventually(
      'the permits of the dead process',
      async () => (await alive?.claim(1))?.status,
      (status) => status === 'granted',
    );
  });

  it('have them also where another process that was given none has noticed its death', async () => {
    const { runs } = await bareRuns(2, { concurrency: 2 });
    const [dead, alive] = [runs[0]?.member('dead'), runs[1]?.member('alive')];
    expect(await dead?.claim(2)).toMatchObject({ status: 'granted' });
    await sleep(LEASE_MS + 100);
    await alive?.report();
    expect(await alive?.claim(2)).toMatchObject({ status: 'granted', claims: [{}, {}] });
  });

  it.each<[string, BackfillBudget, BackfillBudget]>([
    ['ranges', { rangesPerSecond: 0.01 }, { rangesPerSecond: 100 }],
    ['rows', { rowsPerSecond: 0.1 }, { rowsPerSecond: 1000 }],
  ])('do not wait for start times of a lower limit of %s', async (_what, low, high) => {
    const { runs, limit } = await bareRuns(1, low);
    const member = runs[0]?.member('a');
    expect(await member?.claim()).toMatchObject({ status: 'granted' });
    expect(await member?.claim()).toMatchObject({ status: 'budget', ms: 1000 });
    limit(high);
    expect(await member?.claim()).toMatchObject({ status: 'granted' });
    limit(low);
    // On a busy machine the start time that the high limit has put off is over.
    const next = await member?.claim();
    const last = next?.status === 'granted' ? await member?.claim() : next;
    expect(last).toMatchObject({ status: 'budget', ms: 1000 });
  });

  it('are shared anew once the limits have changed', async () => {
    const { runs, limit } = await bareRuns(2, { rowsPerSecond: 0.1 });
    const [first, second] = [runs[0]?.member('a'), runs[1]?.member('b')];
    expect(await first?.claim()).toMatchObject({ status: 'granted' });
    expect(await first?.claim()).toMatchObject({ status: 'budget' });
    first?.used.release(10);
    limit({ concurrency: 1 });
    const order: string[] = [];
    for (let i = 0; i < 40; i++) {
      for (const [name, member] of [
        ['second', second],
        ['first', first],
      ] as const) {
        // More than there are places for, so that both wait all the time.
        if ((await member?.claim(2))?.claims.length === 1) {
          order.push(name);
          member?.used.release(10);
          await member?.report();
        }
      }
    }
    expect(order.filter((name) => name === 'first').length).toBeGreaterThan(10);
    expect(order.filter((name) => name === 'second').length).toBeGreaterThan(10);
  });

  it('count what a process says it holds: a claim whose answer was lost leaves no permit over', async () => {
    const { runs, backfills } = await bareRuns(1, { concurrency: 4 });
    const member = runs[0]?.member('a');
    await member?.claim(3);
    member?.used.release(10, 3);
    await member?.report();
    expect(await backfills.budget()).toMatchObject({ ranges: 0 });
    // It renews the lease of what it holds.
    await member?.claim(2);
    for (let i = 0; i < 4; i++) {
      await sleep(LEASE_MS / 3);
      await member?.report();
    }
    expect(await backfills.budget()).toMatchObject({ ranges: 2 });
  });

  it('do not wait for a run that asks no more', async () => {
    const { runs } = await bareRuns(2, { concurrency: 1 });
    const [first, second] = [runs[0]?.member('a'), runs[1]?.member('b')];
    expect(await first?.claim()).toMatchObject({ status: 'granted' });
    expect(await second?.claim()).toMatchObject({ status: 'budget' });
    first?.used.release(10);
    expect(await first?.claim()).toMatchObject({ status: 'budget' });
    await eventually(
      'a turn',
      async () => (await first?.claim())?.status,
      (status) => status === 'granted',
    );
  });

  it('give a run that was idle no credit', async () => {
    const { runs } = await bareRuns(2, { concurrency: 1 });
    const [first, second] = [runs[0]?.member('a'), runs[1]?.member('b')];
    await second?.claim();
    second?.used.release(10);
    await second?.report();
    await sleep(1500);
    for (let i = 0; i < 50; i++) {
      expect(await first?.claim()).toMatchObject({ status: 'granted' });
      first?.used.release(10);
    }
    await first?.claim();
    await second?.claim();
    first?.used.release(10);
    const order: string[] = [];
    for (let i = 0; i < 40; i++) {
      for (const [name, member] of [
        ['first', first],
        ['second', second],
      ] as const) {
        if ((await member?.claim())?.status === 'granted') {
          order.push(name);
          member?.used.release(10);
        }
      }
    }
    const given = order.slice(0, 20).filter((name) => name === 'second').length;
    expect(given).toBeGreaterThanOrEqual(9);
    expect(given).toBeLessThanOrEqual(11);
  });

  it('let as many runs work on a table as it allows, the oldest that waits next, and not those that are paused', async () => {
    const { runs, backfills } = await bareRuns(3, { perTable: 1 });
    const members = runs.map(({ member }) => member('a', { table: 'public.items' }));
    const other = runs[2]?.member('a', { table: 'orders' });
    expect(await members[0]?.claim()).toMatchObject({ status: 'granted' });
    expect(await members[2]?.claim()).toMatchObject({ status: 'budget', claims: [] });
    expect(await members[1]?.claim()).toMatchObject({ status: 'budget', claims: [] });
    expect(await other?.claim()).toMatchObject({ status: 'granted' });
    const reason = `the budget: run ${runs[0]?.runId} works on its table (perTable)`;
    expect(await backfills.status('run-1')).toMatchObject({
      held: { reason, since: null, until: null, scope: 'run' },
      budget: { limit: 'perTable', reason },
      stalled: null,
    });
    await backfills.pause('run-0');
    expect(await members[2]?.claim()).toMatchObject({ status: 'budget', claims: [] });
    expect(await members[1]?.claim()).toMatchObject({ status: 'granted' });
    expect(await members[2]?.claim()).toMatchObject({ status: 'budget', claims: [] });
  });

  it('share nothing with those of another context', async () => {
    const { runs } = await bareRuns(2, { concurrency: 1, rangesPerSecond: 1, perTable: 1 });
    const table = 'public.items';
    const [first, second] = [runs[0]?.member('a', { table }), runs[1]?.member('a', { table }, 'other')];
    expect(await first?.claim()).toMatchObject({ status: 'granted' });
    expect(await second?.claim()).toMatchObject({ status: 'granted' });
    expect(await first?.claim()).toMatchObject({ status: 'budget', claims: [] });
    expect(await second?.claim()).toMatchObject({ status: 'budget', claims: [] });
  });

  it('keep the table of a run for as long as it goes on', async () => {
    const { runs, client, keys } = await bareRuns(1, { perTable: 1 });
    const member = runs[0]?.member('a', { table: 'public.items' });
    await member?.claim();
    const [key] = keys.budgetTable('default', 'public.items');
    await client.pexpire(key, 5_000);
    await member?.claim();
    expect(await client.pttl(key)).toBeGreaterThan(60_000);
    await client.pexpire(key, 5_000);
    await member?.report();
    expect(await client.pttl(key)).toBeGreaterThan(60_000);
  });

  it('keep the table of a run whose range takes longer than the lease', async () => {
    const { runs } = await bareRuns(2, { perTable: 1 });
    const [first, second] = runs.map(({ member }) => member('a', { table: 'public.items' }));
    expect(await first?.claim()).toMatchObject({ status: 'granted' });
    for (let i = 0; i < 4; i++) {
      await sleep(LEASE_MS / 3);
      await first?.report();
    }
    expect(await second?.claim()).toMatchObject({ status: 'budget', claims: [] });
    first?.used.release(10);
  });

  it('keep the table of a run that is held while another process works on a range of it', async () => {
    const { runs, client, keys } = await bareRuns(2, { perTable: 1 });
    const table = 'public.items';
    const [idle, busy] = [runs[0]?.member('idle', { table }), runs[0]?.member('busy', { table })];
    const other = runs[1]?.member('idle', { table });
    expect(await busy?.claim()).toMatchObject({ status: 'granted' });
    await client.hset(keys.run(runs[0]?.runId ?? ''), 'holdUntil', '9999999999999');
    expect(await idle?.claim()).toMatchObject({ status: 'held' });
    expect(await other?.claim()).toMatchObject({ status: 'budget', claims: [] });
    busy?.used.release(10);
    await busy?.report();
    expect(await other?.claim()).toMatchObject({ status: 'granted' });
  });

  it('cost an app without a budget no command more', async () => {
    const { runs, keys, rangeStore } = await bareRuns(1, {});
    const member = runs[0]?.member('a');
    expect(member?.used.claim()).toBeNull();
    const { run, runId } = runs[0] ?? {};
    const monitored = await monitorCommands(bench.redis.connection, () =>
      run ? rangeStore.claim(run, [0], 250) : Promise.resolve(),
    );
    // The last one: EVAL follows EVALSHA where Redis has not got the script yet.
    const first = monitored.findLastIndex(
      ({ name, others }) => name.startsWith('eval') && others.includes(`"${keys.run(runId ?? '')}"`),
    );
    const nested = monitored.slice(first + 1);
    const end = nested.findIndex(({ isNested }) => !isNested);
    const used = nested.slice(0, end < 0 ? undefined : end).map(({ name }) => name);
    expect(used).toEqual(expect.arrayContaining(['hmget', 'time', 'hget', 'hset']));
    expect(used.filter((name) => /^z|hgetall|hincrby/.test(name ?? ''))).toEqual([]);
  });
});
