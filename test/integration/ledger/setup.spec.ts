import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BACKFILL_ENTITIES, createLedgerSchema, dropLedgerSchema } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const handler = defineBackfill({ name: 'walk', source: numbers(10), processRange: () => undefined });
const withLedger = { handlers: [handler], options: { ledger: true } };

async function withOrm(work: (orm: MikroORM) => Promise<void>): Promise<void> {
  const entities = [Item, ...BACKFILL_ENTITIES];
  const orm = await MikroORM.init({ driver: PostgreSqlDriver, clientUrl: bench.database.url, entities });
  try {
    await work(orm);
  } finally {
    await orm.close(true);
  }
}

it('an app without the entities does not start, and the error names the line to add', async () => {
  await expect(bench.start(withLedger)).rejects.toMatchObject({
    code: 'BACKFILL_DEFINITION_INVALID',
    message: expect.stringContaining('entities: [..., ...BACKFILL_ENTITIES]'),
  });
});

it('an app without the tables does not start, and the error names the line to add', async () => {
  await expect(bench.start({ ...withLedger, entities: [Item, ...BACKFILL_ENTITIES] })).rejects.toMatchObject({
    code: 'BACKFILL_DEFINITION_INVALID',
    message: expect.stringMatching(/table backfill_runs is missing[^]*await createLedgerSchema\(this\);/),
  });
});

it('the migration makes what the schema generator would make, and takes it away again', async () => {
  await withOrm(async (orm) => {
    const before = await orm.schema.getUpdateSchemaSQL();
    expect(before).toContain('backfill_checkpoints');
    await createLedgerSchema(orm.em);
    await createLedgerSchema(orm.em);
    expect(await orm.schema.getUpdateSchemaSQL()).not.toContain('backfill_');
    await dropLedgerSchema(orm.em);
    expect(await orm.schema.getUpdateSchemaSQL()).toBe(before);
    const sql: string[] = [];
    await createLedgerSchema({ addSql: (statement) => sql.push(statement) });
    await bench.database.query(sql.join('\n'));
    expect(await orm.schema.getUpdateSchemaSQL()).not.toContain('backfill_');
    await dropLedgerSchema(orm.em);
  });
});

it('the tables of the schema generator serve as well', async () => {
  await withOrm(async (orm) => {
    await createLedgerSchema(orm.em);
    await dropLedgerSchema(orm.em);
    await orm.schema.update();
  });
  const { backfills, finished } = await bench.start({
    ...withLedger,
    entities: [Item, ...BACKFILL_ENTITIES],
  });
  const { runId } = await backfills.start('walk');
  await finished('walk');
  const rows = await bench.database.query<{ id: string; config: { batchSize: number } }>(
    'SELECT id, config FROM backfill_runs',
  );
  expect(rows).toMatchObject([{ id: runId, config: { batchSize: 100 } }]);
});
