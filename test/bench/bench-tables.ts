import type { BenchArena } from './bench-arena.js';

/** Creates the tables of the journal, or of the ledger, as the build under test has them. */
export async function createTables(arena: BenchArena, of: 'journal' | 'ledger'): Promise<void> {
  const schema = await arena.fork({ role: 'schema', keyPrefix: '' });
  await arena.sql(await schema.call<string>(of));
  await arena.end(schema);
}

/**
 * Fills `bench_rows` anew: no round is to pay for the dead rows of the one before. Below a fill factor of 100 updates find room
 * in the page of the row (HOT), so that a table that is updated again and again stays as it is.
 */
export async function fillRows(arena: BenchArena, rows: number, fillFactor = 100): Promise<void> {
  await arena.sql(`
    DROP TABLE IF EXISTS bench_rows;
    CREATE TABLE bench_rows (id int PRIMARY KEY, state int NOT NULL, body text NOT NULL)
      WITH (autovacuum_enabled = off, fillfactor = ${fillFactor});
    INSERT INTO bench_rows SELECT i, 0, 'body of row ' || i FROM generate_series(1, ${rows}) i;
  `);
  await arena.sql('VACUUM ANALYZE bench_rows');
  await arena.sql('CHECKPOINT');
}

/** Ids of `bench_walk` stand so far apart on average. */
export const SPARSE = 100;

/** Fills `bench_walk`: ids at irregular distances, and a time that several rows share. */
export async function fillWalk(arena: BenchArena, rows: number): Promise<void> {
  await arena.sql(`
    DROP TABLE IF EXISTS bench_walk;
    CREATE TABLE bench_walk (id int NOT NULL, created_at timestamptz NOT NULL) WITH (autovacuum_enabled = off);
    INSERT INTO bench_walk
      SELECT i * ${SPARSE} + hashint4(i) % ${SPARSE / 2}, timestamptz '2020-01-01' + (i / 7) * interval '1 second'
        FROM generate_series(1, ${rows}) i;
    ALTER TABLE bench_walk ADD PRIMARY KEY (id);
    CREATE INDEX bench_walk_created_at ON bench_walk (created_at, id);
  `);
  await arena.sql('VACUUM ANALYZE bench_walk');
}

/** Fills `bench_ids` with the first and the last of so many ids. */
export async function fillIds(arena: BenchArena, ids: number): Promise<void> {
  await arena.sql(
    `CREATE TABLE bench_ids (id bigint PRIMARY KEY); INSERT INTO bench_ids VALUES (1), (${ids})`,
  );
}

/** Ids of `bench_narrow` stand so far apart on average. */
export const NARROW_GAP = 7;

/** Fills `bench_narrow`: ids at irregular distances, and little else. */
export async function fillNarrow(arena: BenchArena, rows: number): Promise<void> {
  // In one transaction, which writes no log of the rows where `wal_level` is minimal.
  await arena.sql(`
    CREATE TABLE bench_narrow (id bigint NOT NULL) WITH (autovacuum_enabled = off);
    INSERT INTO bench_narrow
      SELECT i * ${NARROW_GAP} + hashint8(i) % ${Math.floor(NARROW_GAP / 2)} FROM generate_series(1, ${rows}::bigint) i;
    ALTER TABLE bench_narrow ADD PRIMARY KEY (id);
  `);
  await arena.sql('VACUUM (FREEZE, ANALYZE) bench_narrow');
}
