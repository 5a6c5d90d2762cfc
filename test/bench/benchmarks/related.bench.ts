import { fillRelated } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { interleave } from '../rounds.js';

const LANES = 4;
const BATCH = 1_000;
const WANTED = 1;

/** Rows a second through `processBatch` with the default guard, which inserts a related row for each. */
export const related: Benchmark = {
  name: 'related',
  beside: 'a loop of as many lanes: fork, find, create, flush',
  async run(arena) {
    const rows = arena.size(100_000, 8_000);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: LANES, batchSize: BATCH },
    });
    const hand = await arena.fork({ role: 'entities', keyPrefix: '' });
    const perSecond = async (run: () => Promise<number>) => {
      await fillRelated(arena, rows);
      const ms = await run();
      const [inserted] = await arena.sql<{ count: string }>('SELECT count(DISTINCT row_id) FROM bench_notes');
      if (Number(inserted?.count) !== rows) {
        throw new Error(`Expected a related row for each of ${rows}, got ${inserted?.count}`);
      }
      return (rows * 1000) / ms;
    };
    const loop = await interleave(
      arena.size(5, 1),
      () => perSecond(() => app.call<number>('run', 'related')),
      () => perSecond(() => hand.call<number>('relatedLoop', rows, BATCH, LANES)),
    );
    await arena.end(app, hand);
    return [
      {
        name: 'related',
        ...loop,
        unit: 'rows/s',
        target: `>= ${WANTED.toFixed(1)} of the loop`,
        met: loop.ratio >= WANTED,
      },
    ];
  },
};
