import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteProcess } from '../../support/processes/index.js';
import { AppFleet, awaitWorkers } from '../app-fleet.js';
import { epochMs } from '../epoch-ms.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark, Finding } from '../benchmark.js';
import type { HeldRange } from '../handlers.js';
import { median, spread } from '../statistics.js';

const IN_FLIGHT = 50;
/** Ms beside `lockDuration` within which all ranges of a killed process begin elsewhere. */
const MOST_BESIDE_MS = 1_000;
/** Longer than any round. */
const ENDLESS_MS = 600_000;

/** When the ranges of a killed process begin in another one, and that a busy process loses none. */
export const restart: Benchmark = {
  name: 'restart',
  beside: '`lockDuration`',
  async run(arena) {
    const lockDuration = arena.size(5_000, 1_000);
    const rounds = arena.size(6, 1);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      // Anywhere between two renewals of the locks, and between two looks for locks that have expired.
      times.push(await takeover(arena, lockDuration, ((round + Math.random()) * lockDuration) / rounds));
    }
    const longest = Math.max(...times) / 1000;
    const most = (lockDuration + MOST_BESIDE_MS) / 1000;
    return [
      {
        name: `restart, ${IN_FLIGHT} ranges`,
        ours: longest,
        other: lockDuration / 1000,
        unit: 's until the last begins',
        ratio: longest / most,
        target: `<= ${most} s`,
        met: longest <= most,
        spread: spread(times),
        note: `the longest of ${rounds}, median ${(median(times) / 1000).toFixed(1)} s, SIGKILL`,
      },
      await keepLocks(arena, lockDuration),
    ];
  },
};

/** Ms from the kill of a process with ranges in flight until the last of them begins in another process. */
async function takeover(arena: BenchArena, lockDuration: number, killAfterMs: number): Promise<number> {
  const plan = {
    role: 'app',
    keyPrefix: arena.keyPrefix(),
    ranges: IN_FLIGHT,
    rangeMs: ENDLESS_MS,
    lockDuration,
    config: { concurrency: IN_FLIGHT },
  } as const;
  const killed = await arena.fork(plan);
  await killed.call('start', 'held');
  await allBegun(killed);
  const heir = await arena.fork(plan);
  await awaitWorkers(heir, 'held', 2);
  await sleep(killAfterMs);
  const killedAt = epochMs();
  await killed.kill();
  const begun = await allBegun(heir);
  await heir.kill();
  return Math.max(...begun.map(({ at }) => at)) - killedAt;
}

/** Waits until every range has begun in a process. */
async function allBegun(app: RemoteProcess): Promise<HeldRange[]> {
  for (;;) {
    const begun = await app.call<HeldRange[]>('held');
    if (new Set(begun.map(({ low }) => low)).size === IN_FLIGHT) {
      return begun;
    }
    await sleep(20);
  }
}

/** Ranges that began twice while the event loop of one of two processes was blocked again and again. */
async function keepLocks(arena: BenchArena, lockDuration: number): Promise<Finding> {
  const ranges = arena.size(1_500, 100);
  const blockMs = lockDuration * 0.4;
  const times = arena.size(10, 2);
  const fleet = await AppFleet.start(arena, 2, {
    ranges,
    rangeMs: arena.size(1_500, 100),
    lockDuration,
    config: { concurrency: IN_FLIGHT },
  });
  const [busy, other] = fleet.apps as [RemoteProcess, RemoteProcess];
  const running = other.call<number>('run', 'held');
  while ((await busy.call<HeldRange[]>('held')).length === 0) {
    await sleep(20);
  }
  await busy.call('block', blockMs, times);
  await running;
  const begun = (await Promise.all(fleet.apps.map((app) => app.call<HeldRange[]>('held')))).flat();
  await fleet.stop();
  const distinct = new Set(begun.map(({ low }) => low)).size;
  const twice = begun.length - distinct;
  return {
    name: 'restart, busy process',
    ours: twice,
    other: null,
    unit: 'ranges that began twice',
    ratio: null,
    target: '<= 0',
    met: twice === 0 && distinct === ranges,
    spread: null,
    note: `of ${distinct}; its event loop is blocked ${times} times for ${blockMs / 1000} s`,
  };
}
