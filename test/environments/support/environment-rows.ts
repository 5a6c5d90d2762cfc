/** Runs SQL beside the apps. */
export type Query = <T extends object>(sql: string, values?: readonly unknown[]) => Promise<T[]>;

export interface RowCounts {
  readonly rows: number;
  readonly handled: number;
  /** Not handled. */
  readonly missed: number;
  /** Handled, with another result than expected. */
  readonly wrong: number;
  /** How many times more than once rows were handled. */
  readonly repeated: number;
}

/** The table in its simplest form. */
export const CREATE_ROWS =
  'CREATE TABLE environment_rows (id int PRIMARY KEY, value int NOT NULL, result int, times int NOT NULL DEFAULT 0)';

/** Fills the table with rows. */
export async function fillRows(query: Query, rows: number): Promise<void> {
  await query(`INSERT INTO environment_rows (id, value) SELECT i, i * 3 FROM generate_series(1, ${rows}) i`);
}

export async function countRows(query: Query): Promise<RowCounts> {
  const [counts] = await query<RowCounts>(
    `SELECT count(*)::int AS rows,
            count(*) FILTER (WHERE times > 0)::int AS handled,
            count(*) FILTER (WHERE times = 0)::int AS missed,
            count(*) FILTER (WHERE times > 0 AND result IS DISTINCT FROM id * 6 + 1)::int AS wrong,
            coalesce(sum(greatest(times - 1, 0)), 0)::int AS repeated
       FROM environment_rows`,
  );
  return counts as RowCounts;
}
