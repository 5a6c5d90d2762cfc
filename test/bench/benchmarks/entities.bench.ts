import type { Benchmark } from '../benchmark.js';
import type { BenchArena } from '../bench-arena.js';
import type { Finding } from '../benchmark.js';
import { createTables, fillRows } from '../bench-tables.js';
import { interleave } from '../rounds.js';

const LANES = 4;
const BATCH = 1_000;
const ROWS = 120_000;
const TINY = 8_000;
const MOST_TIMES = 1.6;

const RIVALS = [
  { name: 'entities', role: 'entities', wanted: 0.9, than: 'of the loop without a guard' },
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
    findings.push(await journaled(arena, () => perSecond(() => app.call<number>('run', 'entities'))));
    return findings;
  },
};

/** The same with a journal, beside the same without. */
async function journaled(arena: BenchArena, plain: () => Promise<number>): Promise<Finding> {
  const rows = arena.size(ROWS, TINY);
  await createTables(arena, 'journal');
  const app = await arena.fork({
    role: 'app',
    keyPrefix: arena.keyPrefix(),
    config: { concurrency: LANES, batchSize: BATCH },
    journaled: true,
  });
  const compared = await interleave(
    arena.size(4, 1),
    async () => {
      await fillRows(arena, rows);
      await arena.sql('TRUNCATE backfill_journals, backfill_journal_rows');
      return (rows * 1000) / (await app.call<number>('run', 'entities'));
    },
    plain,
  );
  const times = 1 / compared.ratio;
  await arena.end(app);
  return {
    name: 'entities, journaled',
    ...compared,
    unit: 'rows/s',
    target: `<= ${MOST_TIMES} times the time without`,
    met: times <= MOST_TIMES,
  };
}
