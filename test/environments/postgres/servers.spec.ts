import { startPgbouncer } from '../../support/services/index.js';
import {
  CREATE_ROWS,
  createEnvironmentBench,
  environment,
  fillRows,
  startOwnPostgres,
} from '../support/index.js';

const ROWS = 20_000;
const bench = await createEnvironmentBench();

environment('PgBouncer in transaction mode', async () => {
  const postgres = await bench.keep(startOwnPostgres());
  // Fewer connections to the server than the apps have to the pooler.
  const pooler = await bench.keep(startPgbouncer(postgres, { poolSize: 3 }));
  await bench.run({
    rows: ROWS,
    database: { url: pooler.url },
    query: postgres.query,
    prepare: async () => {
      await postgres.query(CREATE_ROWS);
      await fillRows(postgres.query, ROWS);
    },
    during: () => pooler.restart(),
  });
});

environment('PostgreSQL that is restarted at once', async () => {
  const postgres = await bench.keep(startOwnPostgres());
  await bench.run({
    rows: ROWS,
    database: { url: postgres.url },
    query: postgres.query,
    prepare: async () => {
      await postgres.query(CREATE_ROWS);
      await fillRows(postgres.query, ROWS);
    },
    // As `pg_ctl restart -m immediate` does.
    during: async () => {
      await postgres.kill();
      await postgres.restart();
    },
  });
});
