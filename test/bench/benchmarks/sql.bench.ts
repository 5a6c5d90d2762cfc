import { fillRows } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { interleave } from '../rounds.js';

const LANES = 4;
const BATCH = 1_000;
const WANTED = 0.97;

/** Rows a second of plain statements. */
export const sql: Benchmark = {
  name: 'sql',
  beside: 'a loop over a pool of 4 with the same statements, and one single UPDATE',
  async run(arena) {
    const rows = arena.size(1_000_000, 20_000);
    const app = await (async () => {
      await fillRows(arena, rows);
      return arena.fork({ role: 'app', keyPrefix: arena.keyPrefix(), config: { concurrency: LANES } });
    })();
    const hand = await arena.fork({ role: 'statements', keyPrefix: '' });
    const perSecond = async (run: () => Promise<number>) => {
      await fillRows(arena, rows);
      return (rows * 1000) / (await run());
    };
    const ours = () => perSecond(() => app.call<number>('run', 'sql'));
    const loop = await interleave(arena.size(3, 1), ours, () =>
      perSecond(() => hand.call<number>('loop', rows, BATCH, LANES)),
    );
    const single = await perSecond(() => hand.call<number>('single'));
    return [
      {
        name: 'sql',
        ...loop,
        unit: 'rows/s',
        target: `>= ${WANTED} of the loop`,
        met: loop.ratio >= WANTED,
      },
      {
        name: 'sql, one UPDATE',
        ours: loop.ours,
        other: single,
        unit: 'rows/s',
        ratio: loop.ours / single,
        target: 'none: to compare',
        met: true,
        spread: null,
      },
    ];
  },
};
