import { executeSchema } from '../database/schema-target.js';
import type { LedgerSchemaTarget } from '../database/schema-target.js';

const UP = [
  `create table if not exists "backfill_journals" ("run_id" varchar(255) not null, "scope" varchar(255) not null, "backfill" varchar(255) not null, "kept_until" timestamptz(3) not null, primary key ("run_id"));`,
  `create table if not exists "backfill_journal_rows" ("run_id" varchar(255) not null, "table_name" varchar(255) not null, "row_key" text not null, "operation" varchar(255) not null, "values_before" jsonb not null, "hashes_after" jsonb not null, "settled" varchar(255) null, "settled_by" varchar(255) null, primary key ("run_id", "table_name", "row_key"));`,
  `create index if not exists "backfill_journal_conflicts" on "backfill_journal_rows" ("settled_by", "table_name", "row_key") where settled <> 'undone';`,
];

const DOWN = ['journal_rows', 'journals'].map((table) => `drop table if exists "backfill_${table}";`);

/**
 * Creates the tables of the journal (`undo` of `@Backfill`) in PostgreSQL that do not exist yet. As an alternative,
 * `migration:create` of MikroORM generates a migration from `BACKFILL_JOURNAL_ENTITIES`.
 *
 * @param target the migration in whose `up` it is called, or an entity manager
 * @example
 * ```ts
 * export class Migration20260112 extends Migration {
 *   override async up() {
 *     await createJournalSchema(this);
 *   }
 *   override async down() {
 *     await dropJournalSchema(this);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export async function createJournalSchema(target: LedgerSchemaTarget): Promise<void> {
  await executeSchema(target, UP);
}

/**
 * The inverse of {@link createJournalSchema}: drops the tables of the journal. No run can be undone afterwards.
 *
 * @param target the migration in whose `down` it is called, or an entity manager
 * @publicApi
 */
export async function dropJournalSchema(target: LedgerSchemaTarget): Promise<void> {
  await executeSchema(target, DOWN);
}
