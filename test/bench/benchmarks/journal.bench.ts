import type { Benchmark } from '../benchmark.js';
import { createTables, fillRows } from '../bench-tables.js';
import { interleave } from '../rounds.js';

const MOST_TIMES = 1.6;

/** Rows a second through `processBatch` with a journal for undo. */
export const journal: Benchmark = {
  name: 'journal',
  beside: 'the same without a journal',
  async run(arena) {
    const rows = arena.size(120_000, 8_000);
    await createTables(arena, 'journal');
    const fork = (journaled: boolean) =>
      arena.fork({
        role: 'app',
        keyPrefix: arena.keyPrefix(),
        config: { concurrency: 4, batchSize: 1_000 },
        journaled,
      });
    const [plain, journaled] = [await fork(false), await fork(true)];
    const perSecond = async (app: typeof plain) => {
      await fillRows(arena, rows);
      await arena.sql('TRUNCATE backfill_journals, backfill_journal_rows');
      return (rows * 1000) / (await app.call<number>('run', 'entities'));
    };
    const compared = await interleave(
      arena.size(4, 1),
      () => perSecond(journaled),
      () => perSecond(plain),
    );
    const times = 1 / compared.ratio;
    await arena.end(plain, journaled);
    return [
      {
        name: 'journal',
        ...compared,
        unit: 'rows/s',
        target: `<= ${MOST_TIMES} times the time without`,
        met: times <= MOST_TIMES,
      },
    ];
  },
};
