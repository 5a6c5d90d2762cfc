import { EntitySchema } from '@mikro-orm/core';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import type { BackfillGuard } from 'nestjs-backfill';
import { createAppBench, defineBackfill } from '../../support/apps/index.js';

interface Sheet {
  id: number;
  title: string;
  code: string;
}

const SheetSchema = new EntitySchema<Sheet>({
  name: 'Sheet',
  tableName: 'sheets',
  properties: {
    id: { type: 'integer', primary: true, autoincrement: false },
    title: { type: 'text' },
    code: { type: 'text' },
  },
});

/** More than a function of PostgreSQL takes as pairs of a name and a value. */
const COLUMNS = Array.from({ length: 60 }, (_, at) => `c${at} int DEFAULT ${at}`);

const bench = await createAppBench();
const { database } = bench;
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await database.query(statements.join('\n'));
await database.query(
  `CREATE COLLATION any_case (provider = icu, deterministic = false, locale = 'und-u-ks-level2'); ` +
    `CREATE TABLE sheets (id int PRIMARY KEY, title text COLLATE any_case NOT NULL, code text COLLATE "C" NOT NULL, ${COLUMNS.join(', ')})`,
);

const source = keyset(SheetSchema, { orderBy: { id: 'asc' }, where: { id: { $lt: 100 } } });
const config = { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null };

beforeEach(async () => {
  await database.query(
    `TRUNCATE sheets; INSERT INTO sheets (id, title, code) SELECT g, 'title', 'code' FROM generate_series(1, 5) g`,
  );
});

const contents = () => database.query('SELECT * FROM sheets ORDER BY id');

it.each(['recheck', 'none'] as const satisfies BackfillGuard[])(
  'many columns, and values that a collation takes for equal ones, are journaled and undone: guard %s',
  async (guard) => {
    const app = await bench.start({
      entities: [SheetSchema, ...BACKFILL_JOURNAL_ENTITIES],
      handlers: [
        defineBackfill<never, Sheet>({
          name: 'sheets',
          source,
          guard,
          undo: {},
          config,
          processBatch: (sheets, { em }) => {
            for (const sheet of sheets) {
              if (sheet.id === 5) {
                em.create(SheetSchema, { id: 105, title: 'added', code: 'added' });
                em.remove(sheet);
              } else {
                sheet.title = 'TITLE';
              }
            }
          },
        }),
      ],
    });
    const before = await contents();
    const { runId } = await app.backfills.start('sheets');
    expect(await app.finished('sheets')).toMatchObject({ state: 'completed', journaled: 6 });
    await app.backfills.undo('sheets', { runId });
    expect(await app.finished('sheets')).toMatchObject({ state: 'completed', conflicts: 0 });
    expect(await contents()).toEqual(before);
  },
);

const capitalize = (sheet: Sheet): void => {
  sheet.title = 'TITLE';
  sheet.code = `${sheet.id}`;
};

it.each([
  ['batch', { processBatch: (sheets: Sheet[]) => sheets.forEach(capitalize) }],
  ['row', { processRow: capitalize }],
])(
  'what the statement of the guard has journaled is given back, with what a trigger has written: %s handler',
  async (_, handler) => {
    await database.query(`
      CREATE OR REPLACE FUNCTION count_writes() RETURNS trigger AS $$
      BEGIN
        IF NEW.c1 = OLD.c1 THEN NEW.c1 := OLD.c1 + 1; END IF;
        RETURN NEW;
      END $$ LANGUAGE plpgsql;
      CREATE OR REPLACE TRIGGER count_writes BEFORE UPDATE ON sheets FOR EACH ROW EXECUTE FUNCTION count_writes();
    `);
    const app = await bench.start({
      entities: [SheetSchema, ...BACKFILL_JOURNAL_ENTITIES],
      handlers: [defineBackfill<never, Sheet>({ name: 'sheets', source, undo: {}, config, ...handler })],
    });
    const before = await contents();
    const { runId } = await app.backfills.start('sheets');
    expect(await app.finished('sheets')).toMatchObject({ state: 'completed', journaled: 5 });
    expect(await contents()).toMatchObject(
      before.map(({ id }) => ({ id, title: 'TITLE', code: String(id), c1: 2 })),
    );
    await app.backfills.undo('sheets', { runId });
    expect(await app.finished('sheets')).toMatchObject({ state: 'completed', conflicts: 0 });
    expect(await contents()).toEqual(before);
  },
);
