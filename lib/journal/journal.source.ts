import type { EntityManager } from '@mikro-orm/core';
import type {
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from '../sources/backfill-source.js';
import { executeStatement } from '../sources/sql/execute-statement.js';
import { journalTable } from './journal-rows.js';

/** Rows of a journal, both keys inclusive. A `type`, because an interface is not assignable to `JsonValue`. */
export type JournalRange = {
  /** The run that is undone. */
  readonly of: string;
  /** Quoted. */
  readonly table: string;
  readonly first: string;
  readonly last: string;
};

/** Where planning goes on: after this row. */
type JournalCursor = { readonly table: string; readonly key: string };

/** Selects the rows of a range that no undo has settled. */
export function openRowsOf(em: EntityManager, { of, table, first, last }: JournalRange): string {
  const quote = (value: string) => em.getPlatform().quoteValue(value);
  return (
    `run_id = ${quote(of)} and table_name = ${quote(table)} and row_key between ${quote(first)} and ${quote(last)} ` +
    'and settled is null'
  );
}

/** The source of a run that undoes another: the rows of the other's journal, by their tables and keys. */
export class JournalSource implements BackfillSource {
  readonly kind = 'journal';

  /** @param request `from`: id of the run that is undone */
  async open({ em }: SourceContext, { from }: OpenRequest): Promise<SourceOpening> {
    const runId = String(from);
    const [row] = await executeStatement(
      em,
      `select count(*)::text as rows from ${journalTable(em)} where run_id = ${em.getPlatform().quoteValue(runId)} ` +
        'and settled is null',
    );
    return {
      partitions: [{ name: '', bounds: { of: runId } }],
      total: { rows: Number(row?.['rows']), exact: true },
    };
  }

  async plan({ em }: SourceContext, { bounds, cursor, batchSize, limit }: PlanRequest): Promise<SourcePlan> {
    const { of } = bounds as { readonly of: string };
    const quote = (value: string) => em.getPlatform().quoteValue(value);
    const after = cursor as JournalCursor | null;
    const rest = after ? `and (table_name, row_key) > (${quote(after.table)}, ${quote(after.key)}) ` : '';
    const size = Math.floor(batchSize);
    const found = await executeStatement(
      em,
      'select table_name, min(row_key) as first, max(row_key) as last, count(*)::int as rows from (' +
        `select table_name, row_key, (row_number() over (partition by table_name order by row_key) - 1) / ${size} as range ` +
        `from (select table_name, row_key from ${journalTable(em)} where run_id = ${quote(of)} and settled is null ${rest}` +
        `order by table_name, row_key limit ${size * limit}) as page) as numbered ` +
        'group by table_name, range order by table_name, min(row_key)',
    );
    const ranges = found.slice(0, limit).map((row) => ({
      data: {
        of,
        table: String(row['table_name']),
        first: String(row['first']),
        last: String(row['last']),
      } satisfies JournalRange,
      rows: Number(row['rows']),
    }));
    const read = found.reduce((sum, row) => sum + Number(row['rows']), 0);
    const end = ranges.at(-1)?.data;
    return {
      ranges,
      cursor: end ? { table: end.table, key: end.last } : cursor,
      exhausted: ranges.length === found.length && read < size * limit,
    };
  }

  async split({ em }: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const range = data as JournalRange;
    const rows = await executeStatement(
      em,
      `select row_key from ${journalTable(em)} where ${openRowsOf(em, range)} order by row_key`,
    );
    const keys = rows.map((row) => String(row['row_key']));
    const middle = Math.ceil(keys.length / 2);
    return [keys.slice(0, middle), keys.slice(middle)].flatMap((half) => {
      const [first, last] = [half[0], half.at(-1)];
      return first === undefined || last === undefined
        ? []
        : [{ data: { ...range, first, last }, rows: half.length }];
    });
  }

  describe(data: JsonValue): JsonValue {
    const { table, first, last } = data as JournalRange;
    return { table, first, last };
  }
}
