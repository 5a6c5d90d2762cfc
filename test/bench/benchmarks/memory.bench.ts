import { setTimeout as sleep } from 'node:timers/promises';
import { AppFleet } from '../app-fleet.js';
import type { BenchArena } from '../bench-arena.js';
import { fillWalk, SPARSE } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { HEAP, MB } from '../pod-memory.js';

const MOST = 1.1;

/** Peaks of memory while a small and a large table are walked, with the window full in both. */
export const memory: Benchmark = {
  name: 'memory',
  beside: 'the same with a fiftieth of the rows',
  async run(arena) {
    const [few, many] = [arena.size(100_000, 20_000), arena.size(5_000_000, 40_000)];
    await fillWalk(arena, many);
    const small = await peaks(arena, few);
    const large = await peaks(arena, many);
    return [
      finding('memory, process', small.rss, large.rss, few, many),
      finding('memory, Redis', small.redis, large.redis, few, many),
    ];
  },
};

interface Peaks {
  readonly rss: number;
  readonly redis: number;
}

async function peaks(arena: BenchArena, rows: number): Promise<Peaks> {
  await arena.client.flushall();
  const fleet = await AppFleet.start(arena, 1, { config: { concurrency: 10, maxOutstanding: 500 } }, [HEAP]);
  const { operator } = fleet;
  // What a process loads and compiles, and the room that its heap takes at full speed, belong to neither.
  await operator.call('run', 'walk', { to: { id: arena.size(1_000_000, 20_000) * SPARSE } });
  await operator.call('watchMemory');
  let redis = 0;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      redis = Math.max(redis, await arena.redisBytes());
      await sleep(20);
    }
  })();
  await operator.call('run', 'walk', { to: { id: rows * SPARSE + SPARSE } });
  over.abort();
  await watching;
  const rss = await operator.call<number>('peakMemory');
  await fleet.stop();
  return { rss: rss / MB, redis: redis / MB };
}

function finding(name: string, small: number, large: number, few: number, many: number): Finding {
  const ratio = large / small;
  return {
    name,
    ours: large,
    other: small,
    unit: 'MB at the peak',
    ratio,
    target: `<= ${MOST} x`,
    met: ratio <= MOST,
    spread: null,
    note: `${many.toLocaleString('en-US')} rows beside ${few.toLocaleString('en-US')}, ${HEAP}`,
  };
}
