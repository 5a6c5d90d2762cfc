import type { Benchmark } from '../benchmark.js';
import { fillRows } from '../bench-tables.js';
import { interleave } from '../rounds.js';

const LANES = 4;
const BATCH = 1_000;
const ROWS = 120_000;
const TINY = 8_000;

const RIVALS = [
  { name: 'entities', role: 'entities', wanted: 1.3, than: 'of the loop without a guard' },
  { name: 'entities, rechecked', role: 'rechecked-loop', wanted: 1, than: 'of the loop that rechecks' },
] as const;

/** Rows a second through `processBatch` with the default guard, with one changed property each. */
export const entities: Benchmark = {
  name: 'entities',
  beside:
    'loops of as many lanes: fork, find, change, flush; and one that locks and rechecks the rows before it flushes',
  async run(arena) {
    const rows = arena.size(ROWS, TINY);
    await fillRows(arena, rows);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: LANES, batchSize: BATCH },
    });
    const perSecond = async (run: () => Promise<number>) => {
      await fillRows(arena, rows);
      return (rows * 1000) / (await run());
    };
    const findings = [];
    for (const { name, role, wanted, than } of RIVALS) {
      const hand = await arena.fork({ role, keyPrefix: '' });
      const loop = await interleave(
        arena.size(4, 1),
        () => perSecond(() => app.call<number>('run', 'entities')),
        () => perSecond(() => hand.call<number>('loop', rows, BATCH, LANES)),
      );
      findings.push({
        name,
        ...loop,
        unit: 'rows/s',
        target: `>= ${wanted.toFixed(1)} ${than}`,
        met: loop.ratio >= wanted,
      });
      await arena.end(hand);
    }
    return findings;
  },
};
