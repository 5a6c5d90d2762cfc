import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';

const ROWS = 40;

const bench = await createAppBench();
const handler = defineBackfill<never, Item>({
  name: 'finish',
  source: keyset(Item, { orderBy: { id: 'asc' } }),
  undo: {},
  config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
  processBatch: (items) =>
    items.forEach((item) => {
      item.state = 'done';
    }),
});
const counts = async () => {
  const [row] = await bench.database.query(
    `SELECT count(*) FILTER (WHERE state = 'done')::int AS done, count(*)::int AS rows FROM app.items`,
  );
  return row;
};

describe('tables in a schema that only the search_path names', () => {
  it('are previewed, rehearsed, guarded, journaled and undone there, and not in public', async () => {
    const { name } = bench.database;
    const query = (sql: string) => bench.database.query(sql);
    const statements: string[] = ['SET search_path = app'];
    await createJournalSchema({ addSql: (sql) => statements.push(sql) });
    // A table of the same name in public has none of the rows.
    await query(`CREATE SCHEMA app; CREATE TABLE app.items (LIKE public.items INCLUDING ALL)`);
    await query(`INSERT INTO app.items (id) SELECT generate_series(1, ${ROWS})`);
    await query(`ALTER DATABASE ${name} SET search_path = app`);
    await query(statements.join(';\n'));
    const { backfills, finished } = await bench.start({
      handlers: [handler],
      entities: [Item, ...BACKFILL_JOURNAL_ENTITIES],
    });

    expect(await backfills.preview('finish')).toMatchObject({ total: ROWS / 10, warnings: [] });
    const rehearsal = await backfills.rehearse('finish', { rows: 20 });
    expect(rehearsal).toMatchObject({ errors: [], untouched: 0, committed: null });
    expect(rehearsal.rows).toHaveLength(20);

    const { runId } = await backfills.start('finish');
    expect(await finished('finish')).toMatchObject({
      state: 'completed',
      rowsDone: ROWS,
      rowsRechecked: 0,
      journaled: ROWS,
    });
    expect(await counts()).toEqual({ done: ROWS, rows: ROWS });
    expect(await query('SELECT DISTINCT table_name FROM app.backfill_journal_rows')).toEqual([
      { table_name: '"app"."items"' },
    ]);

    await backfills.undo('finish', { runId });
    expect(await finished('finish')).toMatchObject({ state: 'completed', rowsDone: ROWS, conflicts: 0 });
    expect(await counts()).toEqual({ done: 0, rows: ROWS });
  });
});
