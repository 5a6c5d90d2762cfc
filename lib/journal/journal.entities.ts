import { EntitySchema } from '@mikro-orm/core';

/** The journal of a run. */
export interface Journal {
  runId: string;
  /** Prefix of the keys in Redis, which tells apart apps that share a database. */
  scope: string;
  backfill: string;
  /** When it may be removed. */
  keptUntil: Date;
}

/** What a run has done to a row, from before its first write to after its last. */
export interface JournalRow {
  runId: string;
  /** Quoted, with its schema where it has one. */
  table: string;
  /** The primary key as text; of several columns, as a JSON array of texts. */
  key: string;
  operation: RowOperation;
  /** The old values of the columns that changed, as text. */
  before: Record<string, string | null>;
  /** 64-bit hashes of the new values of the same columns. */
  after: Record<string, number | null>;
  /** What an undo came to; `null`: none has met the row. */
  settled: RowSettlement | null;
  /** Id of the run that undid it. */
  settledBy: string | null;
}

/** `void`: inserted and deleted by the same run, so that there is nothing to undo. */
export type RowOperation = 'update' | 'insert' | 'delete' | 'void';

/**
 * `undone`: the row has its old values. The others are conflicts, and such a row is left as it is: others `changed` it,
 * it is `gone`, or it `exists` again; its old values are `blocked` by another row with the same unique value.
 */
export type RowSettlement = 'undone' | ConflictReason;
export type ConflictReason = 'changed' | 'gone' | 'exists' | 'blocked';

// With explicit column names, the schema does not depend on the naming strategy of the app.
const word = (fieldName: string) => ({ type: 'string', length: 255, fieldName }) as const;
const json = (fieldName: string) => ({ type: 'json', fieldName }) as const;
const primary = { primary: true } as const;
const nullable = { nullable: true } as const;

export const JournalSchema = new EntitySchema<Journal>({
  name: 'BackfillJournal',
  tableName: 'backfill_journals',
  properties: {
    runId: { ...word('run_id'), ...primary },
    scope: word('scope'),
    backfill: word('backfill'),
    keptUntil: { type: 'datetime', length: 3, fieldName: 'kept_until' },
  },
});

export const JournalRowSchema = new EntitySchema<JournalRow>({
  name: 'BackfillJournalRow',
  tableName: 'backfill_journal_rows',
  indexes: [
    {
      name: 'backfill_journal_conflicts',
      expression: `create index "backfill_journal_conflicts" on "backfill_journal_rows" ("settled_by", "table_name", "row_key") where settled <> 'undone'`,
    },
  ],
  properties: {
    runId: { ...word('run_id'), ...primary },
    table: { ...word('table_name'), ...primary },
    key: { type: 'text', fieldName: 'row_key', ...primary },
    operation: word('operation'),
    before: json('values_before'),
    after: json('hashes_after'),
    settled: { ...word('settled'), ...nullable },
    settledBy: { ...word('settled_by'), ...nullable },
  },
});

/**
 * The entities of the journal (`undo` of `@Backfill`). Add them to `entities` of `MikroOrmModule.forRoot`.
 *
 * @example
 * ```ts
 * MikroOrmModule.forRoot({ entities: [Message, Account, ...BACKFILL_JOURNAL_ENTITIES], ... })
 * ```
 *
 * @publicApi
 */
export const BACKFILL_JOURNAL_ENTITIES: readonly EntitySchema[] = [JournalSchema, JournalRowSchema];
