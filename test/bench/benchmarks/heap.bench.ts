import { setTimeout as sleep } from 'node:timers/promises';
import { fillWalk } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { MB } from '../pod-memory.js';

const HEAP_MB = 128;
const MOST = 1.1;

/** The heap of a small process after the first and after the last tenth of a large table. */
export const heap: Benchmark = {
  name: 'heap',
  beside: 'itself after the first tenth',
  apart: true,
  async run(arena) {
    const rows = arena.size(2_000_000, 20_000);
    await fillWalk(arena, rows);
    const app = await arena.fork(
      {
        role: 'app',
        keyPrefix: arena.keyPrefix(),
        config: { maxOutstanding: 500 },
      },
      [`--max-old-space-size=${HEAP_MB}`, '--expose-gc'],
    );
    const running = app.call<number>('run', 'load');
    const after = async (share: number) => {
      for (;;) {
        const { rowsDone } = await app.call<{ rowsDone: number }>('status', 'load');
        if (rowsDone >= rows * share) {
          return { heap: (await app.call<number>('heapUsed')) / MB, redis: (await arena.redisBytes()) / MB };
        }
        await sleep(arena.size(100, 5));
      }
    };
    const first = await after(0.1);
    const last = await after(0.9);
    const ms = await running;
    await arena.end(app);
    const note = `--max-old-space-size=${HEAP_MB}, ${rows.toLocaleString('en-US')} rows loaded in ${(ms / 1000).toFixed(0)} s`;
    return (['heap', 'redis'] as const).map((which) => ({
      name: which === 'heap' ? 'heap, process' : 'heap, Redis',
      ours: last[which],
      other: first[which],
      unit: 'MB',
      ratio: last[which] / first[which],
      target: `<= ${MOST} x the first tenth`,
      met: last[which] / first[which] <= MOST,
      spread: null,
      note,
    }));
  },
};
