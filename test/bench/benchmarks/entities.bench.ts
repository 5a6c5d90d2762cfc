import { fillRows } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { interleave } from '../rounds.js';

const LANES = 4;
const BATCH = 1_000;
const WANTED = 1;

/** Rows a second through `processBatch`, with one changed property each. */
export const entities: Benchmark = {
  name: 'entities',
  beside: 'a loop of as many lanes: fork, find, change, flush',
  async run(arena) {
    const rows = arena.size(200_000, 2_000);
    await fillRows(arena, rows);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: LANES, batchSize: BATCH },
    });
    const hand = await arena.fork({ role: 'entities', keyPrefix: '' });
    const perSecond = async (run: () => Promise<number>) => {
      await fillRows(arena, rows);
      return (rows * 1000) / (await run());
    };
    const loop = await interleave(
      arena.size(3, 1),
      () => perSecond(() => app.call<number>('run', 'entities')),
      () => perSecond(() => hand.call<number>('loop', rows, BATCH, LANES)),
    );
    return [
      {
        name: 'entities',
        ...loop,
        unit: 'rows/s',
        target: `>= ${WANTED.toFixed(1)} of the loop`,
        met: loop.ratio >= WANTED,
      },
    ];
  },
};
