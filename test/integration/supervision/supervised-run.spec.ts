import { jest } from '@jest/globals';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { PressureReporter } from '../../../lib/pacing/pressure.reporter.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import { WorkerHeartbeats } from '../../../lib/state/worker.heartbeats.js';
import { RunStore } from '../../../lib/state/run.store.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { RunSupervisor } from '../../../lib/supervision/run.supervisor.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const held = { perSecondOnPeak: 0, perSecondOffPeak: 0 };

/** Runs of backfills of these names, and a watchdog that only the test has tick. */
async function runsOf(...names: string[]) {
  const handlers = names.map((name) =>
    defineBackfill({
      name,
      source: numbers(10),
      config: { batchSize: 1, ...held },
      processRange: () => undefined,
    }),
  );
  const { app, backfills } = await bench.start({ handlers, options: { workers: false } });
  const watchdog = app.get(BackfillWatchdog, { strict: false });
  await watchdog.close();
  const { client } = app.get(RedisConnections, { strict: false });
  const keys = app.get(BackfillKeys, { strict: false });
  const ids = new Map<string, string>();
  for (const name of names) {
    ids.set(name, (await backfills.start(name)).runId);
  }
  /** What a tick reads of the runs in an interval in which no other process has ticked. */
  const tick = async () => {
    await client.del(...names.map((name) => `${keys.leases}${name}`));
    const { runs } = await watchdog.poll();
    return new Map(runs.map(({ backfill, supervised }) => [backfill, supervised]));
  };
  const runId = (name: string) => ids.get(name) ?? '';
  return { app, backfills, client, keys, watchdog, tick, runId };
}

async function nowOf(client: RedisConnections['client']): Promise<number> {
  const [seconds] = await client.time();
  return Number(seconds) * 1000;
}

describe('the tick of the watchdog', () => {
  it('reads the run, its outstanding ranges, its config, its quota and its pressure', async () => {
    const { app, backfills, client, keys, tick, runId } = await runsOf('work');
    const id = runId('work');
    await client.hset(keys.work(id), '0', '0|0|0|0|0x1|1|{}', '1', '0|0|0|0|1x1|1|{}');
    await backfills.configure('work', { batchSize: 7 });
    await client.hset(keys.quota('work'), 'rate', '2', 'since', '1000', 'step', '0.1');
    const reporter = app.get(PressureReporter, { strict: false });
    const report = (throttle: string, pressure: number) =>
      reporter.report('work', id, { reporter: throttle, pressure, reason: `${pressure}`, expiryMs: 60_000 });
    await report('cluster|0|slow', 0.5);
    const highest = await report('cluster|1|fast', 0.33);

    const read = (await tick()).get('work');
    expect(read).toEqual({
      error: null,
      run: await client.hgetall(keys.run(id)),
      outstanding: 2,
      config: await client.hgetall(keys.config('work')),
      lowered: { perSecond: 2, sinceMs: 1, increase: 0.1 },
      pressure: { pressure: 0.5, reason: '0.5', throttle: 'slow', unknown: false },
      isQuotaReported: false,
      isWorkedOn: false,
    });
    expect(highest).toMatchObject(read?.pressure ?? {});

    await report('quota', 0.82);
    expect((await tick()).get('work')).toMatchObject({
      pressure: { pressure: 0.8, reason: '0.82', throttle: '' },
      isQuotaReported: true,
    });
  });

  it('reads a run for one process in an interval, and none that is paused or held with all others', async () => {
    const { backfills, watchdog, tick } = await runsOf('first', 'second');
    const both = await tick();
    expect([both.get('first'), both.get('second')]).not.toContain(null);
    const { runs } = await watchdog.poll();
    expect(runs.map(({ supervised }) => supervised)).toEqual([null, null]);

    await backfills.pause('first');
    const one = await tick();
    expect(one.get('first')).toBeNull();
    expect(one.get('second')).not.toBeNull();

    await backfills.hold({ reason: 'a test' });
    expect([...(await tick()).values()]).toEqual([null, null]);
  });

  it.each([
    ['0', {}, null],
    ['-1', {}, 0],
    ['2000000', {}, 0.5],
    ['2000000', { 'next interval': '250000', 'next interval at': '1000' }, 4],
    ['2000000', { 'next interval': '250000', 'next interval at': '9999999999999' }, 0.5],
    ['2000000', { 'next interval': '', 'next interval at': '' }, 0.5],
  ])('tells the rate in force of an interval of %s with %j', async (interval, next, perSecond) => {
    const { client, keys, watchdog, runId } = await runsOf('work');
    await client.hset(keys.run(runId('work')), { interval, ...next });
    const { runs } = await watchdog.poll();
    expect(runs).toEqual([expect.objectContaining({ backfill: 'work', perSecond })]);
  });

  it('applies the rate of a run that is worked on only where something of it has changed', async () => {
    const { app, backfills, client, keys, tick, runId } = await runsOf('work');
    const id = runId('work');
    await backfills.configure('work', { perSecondOnPeak: 0.5, perSecondOffPeak: 0.5 });
    const supervisor = app.get(RunSupervisor, { strict: false });
    const heartbeats = app.get(WorkerHeartbeats, { strict: false });
    const applied = jest.spyOn(scripts.applyRate, 'run');
    const supervise = async () => {
      const supervised = (await tick()).get('work');
      applied.mockClear();
      if (supervised) {
        await supervisor.supervise('work', id, supervised, await nowOf(client));
      }
      return applied.mock.calls.length;
    };
    const beat = async () => heartbeats.beat('work', id, null, await nowOf(client));
    await beat();
    // The hold by the rate of 0 has ended, and is recorded as that.
    await client.hdel(keys.run(id), 'heldFor');
    await supervise();
    expect(await supervise()).toBe(0);

    const changes: (() => Promise<unknown>)[] = [
      () => client.hset(keys.run(id), 'interval', '1000'),
      () => client.hset(keys.run(id), 'next interval at', '1'),
      () => client.hset(keys.run(id), 'pressure', '0.5', 'pressureReason', 'slow'),
      () => client.hset(keys.config('work'), { perSecondOnPeak: '3', perSecondOffPeak: '3' }),
    ];
    for (const change of changes) {
      await change();
      expect(await supervise()).toBe(1);
      expect(await supervise()).toBe(0);
    }
    await client.hset(keys.run(id), 'holdUntil', '9999999999999', 'holdReason', 'a test');
    expect([await supervise(), await supervise()]).toEqual([1, 1]);
    await client.hset(keys.run(id), 'holdUntil', '0');
    await client.hdel(keys.run(id), 'heldFor');
    expect(await supervise()).toBe(0);
    await client.del(keys.workers('work'));
    expect([await supervise(), await supervise()]).toEqual([1, 1]);
  });

  it('counts the ranges of hidden runs, which are under other keys', async () => {
    const { app, client, keys, tick } = await runsOf('work');
    const id = 'r9_undo';
    const fields = { name: 'work', id, status: 'running' };
    await client.hset(keys.run(id), fields);
    await client.hset(keys.active, 'work', id);
    await client.hset(keys.work(id), '0', '', '1', '', '2', '');
    expect((await tick()).get('work')).toMatchObject({ run: fields, outstanding: 3 });
    expect(await app.get(RunStore, { strict: false }).outstanding(id)).toBe(3);
  });

  it('reads the other runs where keys of one are of another type', async () => {
    const { client, keys, tick } = await runsOf('broken', 'whole');
    await client.set(keys.config('broken'), 'text');
    expect((await tick()).get('broken')).toMatchObject({
      error: null,
      config: expect.stringContaining('WRONGTYPE'),
    });
    await client.set(keys.quota('broken'), 'text');
    const read = await tick();
    expect(read.get('broken')).toMatchObject({ error: expect.stringContaining('WRONGTYPE') });
    expect(read.get('whole')).toMatchObject({ error: null, config: {} });
  });

  it('supervises one run in a turn of the event loop, so that the process does other things in between', async () => {
    const { app, client, keys, watchdog } = await runsOf('first', 'second', 'third');
    const turns = new Map<string, number>();
    let turn = 0;
    let next: NodeJS.Immediate = setImmediate(function count() {
      turn++;
      next = setImmediate(count);
    });
    jest.spyOn(app.get(RunSupervisor, { strict: false }), 'supervise').mockImplementation(async (name) => {
      turns.set(name, turn);
    });
    try {
      await client.del(...['first', 'second', 'third'].map((name) => `${keys.leases}${name}`));
      watchdog.open(async () => {});
      await eventually(
        'all runs',
        () => turns.size,
        (runs) => runs === 3,
      );
      expect(new Set(turns.values()).size).toBe(3);
    } finally {
      clearImmediate(next);
      await watchdog.close();
    }
  });
});
