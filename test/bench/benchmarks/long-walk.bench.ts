import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchArena } from '../bench-arena.js';
import { fillIds, fillNarrow } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { HEAP, MB } from '../pod-memory.js';

const MOST = 1.1;

/** Memory and speed of walks that are as long as they get: ranges of nothing, so that the library is all that works. */
export const longWalk: Benchmark = {
  name: 'long-walk',
  beside: 'its own first tenth',
  apart: true,
  settings: { wal_level: 'minimal', max_wal_senders: 0, maintenance_work_mem: '1GB' },
  async run(arena) {
    const [ids, rows] = [arena.size(1_000_000_000, 100_000), arena.size(100_000_000, 100_000)];
    await fillIds(arena, ids);
    const strides = await walk(arena, 'billion', `${ids.toLocaleString('en-US')} ids, idRange`, ids / 10_000);
    await fillNarrow(arena, rows);
    return [
      ...strides,
      ...(await walk(arena, 'narrow', `${rows.toLocaleString('en-US')} rows, keyset`, rows / 1_000)),
    ];
  },
};

interface Sample {
  readonly done: number;
  readonly rss: number;
  readonly redis: number;
  readonly at: number;
}

async function walk(arena: BenchArena, name: string, what: string, ranges: number): Promise<Finding[]> {
  await arena.client.flushall();
  const app = await arena.fork(
    { role: 'app', keyPrefix: arena.keyPrefix(), config: { concurrency: 20, maxOutstanding: 2_000 } },
    [HEAP],
  );
  const samples: Sample[] = [];
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const { done } = await app.call<{ done: number }>('status', name);
      const [rss, redis] = [await app.call<number>('rss'), await arena.redisBytes()];
      samples.push({ done, rss: rss / MB, redis: redis / MB, at: performance.now() });
      await sleep(arena.size(100, 5));
    }
  })();
  const ms = await app.call<number>('run', name);
  over.abort();
  await watching;
  const { done } = await app.call<{ done: number }>('status', name);
  if (done !== ranges) {
    throw new Error(`Expected ${ranges} ranges of ${name} to be done, got ${done}`);
  }
  await arena.end(app);
  const tenth = samples.filter((sample) => sample.done <= done / 10);
  const rest = samples.filter((sample) => sample.done > done / 10);
  return [
    memory(`${what}: memory, process`, peak(tenth, 'rss'), peak(rest, 'rss')),
    memory(`${what}: memory, Redis`, peak(tenth, 'redis'), peak(rest, 'redis')),
    speed(what, samples, done, ms),
  ];
}

function peak(samples: readonly Sample[], of: 'rss' | 'redis'): number {
  return Math.max(...samples.map((sample) => sample[of]));
}

function memory(name: string, first: number, last: number): Finding {
  return {
    name,
    ours: last,
    other: first,
    unit: 'MB at the peak',
    ratio: last / first,
    target: `<= ${MOST} x the first tenth`,
    met: last / first <= MOST,
    spread: null,
    note: `of all later tenths, ${HEAP}`,
  };
}

/** Of the last tenth beside the first one. */
function speed(what: string, samples: readonly Sample[], done: number, ms: number): Finding {
  const rate = (from: number, to: number) => {
    const part = samples.filter((sample) => sample.done >= done * from && sample.done <= done * to);
    const [first, last] = [part[0], part.at(-1)];
    return first && last ? ((last.done - first.done) * 1000) / (last.at - first.at) : Number.NaN;
  };
  const [first, last] = [rate(0.02, 0.2), rate(0.8, 0.98)];
  return {
    name: `${what}: speed at its end`,
    ours: last,
    other: first,
    unit: 'ranges/s',
    ratio: last / first,
    target: '>= 0.9 x its start',
    met: last / first >= 0.9,
    spread: null,
    note: `${done.toLocaleString('en-US')} ranges in ${(ms / 1000).toFixed(0)} s: ${Math.round((done * 1000) / ms).toLocaleString('en-US')} ranges/s`,
  };
}
