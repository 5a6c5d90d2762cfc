import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RangeStore, type WorkedRun } from '../../../lib/state/range.store.js';
import type { Reservation, Settlement } from '../../../lib/state/range-steps.js';
import type { RangeEntry } from '../../../lib/state/range-entry.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

/** A run with one range of twenty rows, which only the test plans and processes. */
async function bareRun() {
  const handler = defineBackfill({ name: 'bare', source: numbers(1), processRange: () => undefined });
  const { app, backfills } = await bench.start({ handlers: [handler], options: { workers: false } });
  await app.get(BackfillWatchdog, { strict: false }).close();
  // With a rate the test would have to wait for start times.
  const { runId } = await backfills.start('bare', {
    config: { perSecondOnPeak: null, perSecondOffPeak: null },
  });
  const run: WorkedRun = { runId, backfill: { version: null, onOtherVersion: 'warn' } };
  const rangeStore = app.get(RangeStore, { strict: false });
  const { client } = app.get(RedisConnections, { strict: false });
  const keys = app.get(BackfillKeys, { strict: false });
  const reservation: Reservation = {
    seq: 0,
    partition: '',
    from: null,
    cursor: 20,
    ranges: [{ data: [1, 20], rows: 20 }],
    exhausted: false,
    partitionsDone: [],
    rangesPerJob: 1,
  };
  await rangeStore.reserve(run, reservation);
  const claim = async (index = 0): Promise<RangeEntry> => {
    const [claimed] = (await rangeStore.claim(run, [index], 250)).claims;
    if (!claimed) {
      throw new Error(`Expected range ${index} to be outstanding`);
    }
    return claimed.entry;
  };
  const counters = async () => {
    const { planned, done, outstanding, rowsDone } = await backfills.status('bare');
    return { planned, done, outstanding, rowsDone };
  };
  return { rangeStore, client, keys, runId, run, claim, counters, reservation };
}

const half = (from: number, to: number) => ({
  payload: { kind: 'range', partition: '', range: [from, to] } as const,
  rows: to - from + 1,
  attempts: 1,
  delayMs: 0,
});

function splitOf(entry: RangeEntry): Settlement {
  const successors = [half(1, 10), half(11, 20)];
  return { entry, rowsDone: 0, outcome: 'replaced', successors, failures: [], error: '' };
}

describe('a worker', () => {
  it('that sends a settlement twice, because its connection broke, settles once', async () => {
    const { rangeStore, run, claim, counters } = await bareRun();
    const entry = await claim();
    expect((await rangeStore.settle(run, splitOf(entry))).counted).toBe(true);
    expect((await rangeStore.settle(run, splitOf(entry))).counted).toBe(false);
    expect(await counters()).toMatchObject({ planned: 2, outstanding: 2 });
  });

  it('that sends a retry twice has its range retried once', async () => {
    const { rangeStore, run, claim } = await bareRun();
    const entry = await claim();
    const again: Settlement = {
      ...splitOf(entry),
      successors: [{ payload: entry.payload, rows: entry.rows, attempts: 1, delayMs: 0 }],
    };
    await rangeStore.settle(run, again);
    await rangeStore.settle(run, again);
    expect(await claim()).toMatchObject({ attempts: 1, claims: 2 });
  });

  it('whose range was split meanwhile acknowledges neither half of it', async () => {
    const { rangeStore, run, claim, counters } = await bareRun();
    const overtaken = await claim();
    await rangeStore.settle(run, splitOf(await claim()));
    expect((await rangeStore.acknowledge(run, [{ entry: overtaken, rows: 20 }])).counted).toBe(false);
    await rangeStore.acknowledge(run, [{ entry: await claim(0), rows: 10 }]);
    await rangeStore.acknowledge(run, [{ entry: await claim(1), rows: 10 }]);
    expect(await counters()).toEqual({ planned: 2, done: 2, outstanding: 0, rowsDone: 20 });
  });

  it('counts once where Redis lost a claim in a crash and another worker has the same range', async () => {
    const { rangeStore, client, keys, runId, run, claim, counters } = await bareRun();
    const work = keys.work(runId);
    const before = await client.hget(work, '0');
    const first = await claim();
    await client.hset(work, '0', String(before));
    const second = await claim();
    expect(second).toEqual(first);
    expect((await rangeStore.settle(run, splitOf(first))).counted).toBe(true);
    expect((await rangeStore.settle(run, splitOf(second))).counted).toBe(false);
    expect((await rangeStore.acknowledge(run, [{ entry: second, rows: 20 }])).counted).toBe(false);
    expect(await counters()).toEqual({ planned: 2, done: 0, outstanding: 2, rowsDone: 0 });
  });

  it('does not acknowledge a range that got the index of its own after a crash of Redis', async () => {
    const { rangeStore, client, keys, runId, run, claim, counters } = await bareRun();
    const work = keys.work(runId);
    const entry = await claim();
    await client.hset(work, '0', String(await client.hget(work, '0')).replace('[[1,20]]', '[[1,10]]'));
    expect((await rangeStore.acknowledge(run, [{ entry, rows: 20 }])).counted).toBe(false);
    expect(await counters()).toMatchObject({ done: 0, outstanding: 1 });
  });
});

describe('a planner', () => {
  it('reserves ranges only from the cursor that it planned from', async () => {
    const { rangeStore, client, keys, runId, run, counters, reservation } = await bareRun();
    const key = keys.run(runId);
    const next: Reservation = {
      ...reservation,
      seq: 1,
      from: 20,
      cursor: 40,
      ranges: [{ data: [21, 40], rows: 20 }],
    };
    // Redis lost the last step in a crash, and another planner has planned smaller ranges meanwhile.
    const fields = await client.hgetall(key);
    const cursor = Object.keys(fields).find((field) => fields[field] === '20' && field.startsWith('cursor'));
    await client.hset(key, String(cursor), '15');
    expect(await rangeStore.reserve(run, next)).toEqual({ kind: 'stale' });
    await client.hset(key, String(cursor), '20');
    expect(await rangeStore.reserve(run, next)).toMatchObject({ kind: 'reserved', first: 1 });
    expect(await counters()).toMatchObject({ planned: 2, outstanding: 2 });
  });
});
