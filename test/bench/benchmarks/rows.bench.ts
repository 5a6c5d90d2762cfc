import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { interleave } from '../rounds.js';
import { HEAP, MB } from '../pod-memory.js';

const AT_ONCE = 10;
const BATCH = 1_000;
const WANTED = 1.2;
const MOST_MEMORY = 1.1;
const CONFIG = { concurrency: 1, rowConcurrency: AT_ONCE, batchSize: BATCH };

/** Rows a second through `processRow` with the default guard, with one changed property each. */
export const rows: Benchmark = {
  name: 'rows',
  beside: 'a pool written by hand, which loads rows in batches and flushes each of them',
  async run(arena) {
    const count = arena.size(20_000, 2_000);
    const app = await arena.fork({ role: 'app', keyPrefix: arena.keyPrefix(), config: CONFIG });
    const hand = await arena.fork({ role: 'row-pool', keyPrefix: '' });
    const perSecond = async (run: () => Promise<number>) => {
      await fillRows(arena, count);
      const ms = await run();
      await requireChanged(arena);
      return (count * 1000) / ms;
    };
    const speed = await interleave(
      arena.size(3, 1),
      () => perSecond(() => app.call<number>('run', 'rows')),
      () => perSecond(() => hand.call<number>('loop', BATCH, AT_ONCE)),
    );
    await arena.end(app, hand);
    return [
      {
        name: 'rows',
        ...speed,
        unit: 'rows/s',
        target: `>= ${WANTED} of the pool`,
        met: speed.ratio >= WANTED,
        note: `${AT_ONCE} at once`,
      },
      await memory(arena),
    ];
  },
};

async function requireChanged(arena: BenchArena): Promise<void> {
  const [left] = await arena.sql<{ count: string }>('SELECT count(*) FROM bench_rows WHERE state <> 1');
  if (left?.count !== '0') {
    throw new Error(`Expected every row to be changed once, ${left?.count} were not`);
  }
}

/** The memory of a process after a tenth of many rows and at their end. */
async function memory(arena: BenchArena): Promise<Finding> {
  const count = arena.size(600_000, 10_000);
  const app = await arena.fork({ role: 'app', keyPrefix: arena.keyPrefix(), config: CONFIG }, [HEAP]);
  await fillRows(arena, count);
  const running = app.call<number>('run', 'rows');
  const rss = async () => (await app.call<number>('rss')) / MB;
  while ((await app.call<{ rowsDone: number }>('status', 'rows')).rowsDone < count / 10) {
    await sleep(arena.size(100, 5));
  }
  const first = await rss();
  await running;
  const last = await rss();
  await arena.end(app);
  const ratio = last / first;
  return {
    name: 'rows, memory',
    ours: last,
    other: first,
    unit: 'MB at the end',
    ratio,
    target: `<= ${MOST_MEMORY} x after a tenth`,
    met: ratio <= MOST_MEMORY,
    spread: null,
    note: `${count.toLocaleString('en-US')} rows, ${HEAP}`,
  };
}
