import { Injectable } from '@nestjs/common';
import { parseLimit } from '../config/parse-limit.js';
import { EntityManagers } from '../database/entity-managers.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { asPostgresManager } from '../sources/sql/sql-manager.js';
import { RunStore } from '../state/run.store.js';
import type { ConflictReason } from './journal.entities.js';
import { journalTable } from './journal-rows.js';
import { JournalStore } from './journal.store.js';
import type { UndoConflict, UndoConflictPage, UndoConflictRequest } from './undo-conflicts.js';

const CONFLICTS_PER_PAGE = 50;
/** Runs among which the newest undo is looked for. */
const SEARCHED_RUNS = 100;

/** Table and key of the last conflict of a page. */
type Position = readonly [table: string, key: string];

/** Lists the rows that an undo has left as they are. */
@Injectable()
export class ConflictReader {
  constructor(
    private readonly managers: EntityManagers,
    private readonly runs: RunStore,
    private readonly store: JournalStore,
    private readonly registry: BackfillRegistry,
  ) {}

  async page(backfill: string, request: UndoConflictRequest): Promise<UndoConflictPage> {
    const limit = parseLimit(backfill, request.limit, CONFLICTS_PER_PAGE);
    const after = request.after === undefined ? null : parsePosition(backfill, request.after);
    const runId = request.runId ?? (await this.newestUndo(backfill));
    const user = this.registry.find(backfill);
    const em = this.managers.fork(user);
    // Without a journal there is none of it, and the tables of the journal may not be there.
    if (runId === null || !asPostgresManager(em) || !this.store.isMapped(user ?? {})) {
      return { items: [], next: null };
    }
    const quote = (value: string) => em.getPlatform().quoteValue(value);
    const rest = after ? `and (table_name, row_key) > (${quote(after[0])}, ${quote(after[1])}) ` : '';
    const rows = await executeStatement(
      em,
      'select table_name, row_key, settled, ' +
        '(select json_agg(k order by k)::text from jsonb_object_keys(values_before || hashes_after) as k) as columns ' +
        `from ${journalTable(em)} where settled_by = ${quote(runId)} and settled <> 'undone' ${rest}` +
        `order by table_name, row_key limit ${limit + 1}`,
    );
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return {
      items: items.map(toConflict),
      next:
        last && rows.length > limit
          ? encodePosition([String(last['table_name']), String(last['row_key'])])
          : null,
    };
  }

  private async newestUndo(backfill: string): Promise<string | null> {
    for (const id of await this.runs.ids(backfill, SEARCHED_RUNS)) {
      const run = await this.runs.read(id);
      if (run?.undoes) {
        return id;
      }
    }
    return null;
  }
}

function toConflict(row: Readonly<Record<string, unknown>>): UndoConflict {
  const key = String(row['row_key']);
  return {
    table: String(row['table_name']),
    key: key.startsWith('["') && key.endsWith('"]') ? (JSON.parse(key) as JsonValue) : key,
    reason: row['settled'] as ConflictReason,
    columns: typeof row['columns'] === 'string' ? (JSON.parse(row['columns']) as string[]) : [],
  };
}

function encodePosition(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parsePosition(backfill: string, text: string): Position {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (
      Array.isArray(value) &&
      value.length === 2 &&
      value.every((part) => typeof part === 'string' && !part.includes('\0'))
    ) {
      return value as unknown as Position;
    }
  } catch {
    // Reported below.
  }
  throw new BackfillRequestError(backfill, 'after', 'the `next` of the previous page', text);
}
