import { executeSchema } from '../database/schema-target.js';
import type { LedgerSchemaTarget } from '../database/schema-target.js';

const UP = [
  `create table if not exists "backfill_runs" ("id" varchar(255) not null, "scope" varchar(255) not null, "backfill" varchar(255) not null, "status" varchar(255) not null, "status_reason" text null, "started_at" timestamptz(3) not null, "finished_at" timestamptz(3) null, "started_by" text null, "start_reason" text null, "dry_run" boolean not null, "version" text null, "source_kind" varchar(255) not null, "partitions" jsonb null, "config" jsonb null, "rows_total" bigint not null, "planned" bigint not null, "done" bigint not null, "outstanding" bigint not null, "failed" bigint not null, "rows_done" bigint not null, "rows_failed" bigint not null, "failures" bigint not null, "last_error" text null, "revision" bigint not null, primary key ("id"));`,
  `create index if not exists "backfill_runs_newest" on "backfill_runs" ("scope", "backfill", "started_at");`,
  `create table if not exists "backfill_checkpoints" ("run_id" varchar(255) not null, "taken_at" timestamptz(3) not null, "revision" bigint not null, "cursors" jsonb null, "state" jsonb not null, "work" jsonb not null, "failures_through" bigint not null, primary key ("run_id"));`,
  `create table if not exists "backfill_failures" ("run_id" varchar(255) not null, "sequence" bigint not null, "failure_id" varchar(255) not null, "record" text not null, primary key ("run_id", "sequence"));`,
  `create index if not exists "backfill_failures_by_id" on "backfill_failures" ("run_id", "failure_id");`,
  `create table if not exists "backfill_changes" ("id" varchar(255) not null, "scope" varchar(255) not null, "backfill" varchar(255) not null, "run_id" varchar(255) null, "kind" varchar(255) not null, "at" timestamptz(3) not null, "done_by" text null, "reason" text null, "value_from" jsonb null, "value_to" jsonb null, "data" jsonb null, primary key ("id"));`,
  `create index if not exists "backfill_changes_by_backfill" on "backfill_changes" ("scope", "backfill", "at");`,
  `create index if not exists "backfill_changes_by_run" on "backfill_changes" ("run_id");`,
];

const DOWN = ['changes', 'failures', 'checkpoints', 'runs'].map(
  (table) => `drop table if exists "backfill_${table}";`,
);

/**
 * Creates the tables of the ledger in PostgreSQL that do not exist yet. As an alternative, `migration:create` of
 * MikroORM generates a migration from `BACKFILL_ENTITIES`.
 *
 * @param target the migration in whose `up` it is called, or an entity manager
 * @example
 * ```ts
 * export class Migration20260105 extends Migration {
 *   override async up() {
 *     await createLedgerSchema(this);
 *   }
 *   override async down() {
 *     await dropLedgerSchema(this);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
export async function createLedgerSchema(target: LedgerSchemaTarget): Promise<void> {
  await executeSchema(target, UP);
}

/**
 * The inverse of {@link createLedgerSchema}: drops the tables of the ledger with the whole history.
 *
 * @param target the migration in whose `down` it is called, or an entity manager
 * @publicApi
 */
export async function dropLedgerSchema(target: LedgerSchemaTarget): Promise<void> {
  await executeSchema(target, DOWN);
}
