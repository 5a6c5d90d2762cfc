/**
 * A `Migration` of MikroORM (`addSql`), or an entity manager with an SQL driver.
 *
 * @publicApi
 */
export type LedgerSchemaTarget =
  { addSql(sql: string): void } | { getConnection(): { execute(sql: string): Promise<unknown> } };

/** Executes statements in their order, or adds them to a migration. */
export async function executeSchema(
  target: LedgerSchemaTarget,
  statements: readonly string[],
): Promise<void> {
  for (const sql of statements) {
    if ('addSql' in target) {
      target.addSql(sql);
    } else {
      await target.getConnection().execute(sql);
    }
  }
}
