import { BackfillRequestError } from 'nestjs-backfill';
import type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from 'nestjs-backfill';

/** Indexes of the array from `begin` to `end`, both inclusive. */
export interface ArrayRange extends BackfillRange {
  readonly begin: number;
  readonly end: number;
}

/** A range as stored in Redis. A `type`, because an interface is not assignable to `JsonValue`. */
type Indexes = { readonly begin: number; readonly end: number };

/**
 * A source of rows that are in the code, such as a list of countries or tenants.
 *
 * All processes of the app must have the same rows in the same order until a run ends, because a planned range
 * has only array indexes. `from` and `to` of a start are array indexes, both inclusive.
 *
 * @param rows The rows, in the order of processing.
 * @param keyOf Returns a unique key of a row; it is stored with the row's failure.
 * @example
 * ```ts
 * @Backfill({ source: arraySource(COUNTRIES, (country) => country.code) })
 * export class PrefetchTariffs implements RowHandler<Country> { ... }
 * ```
 */
export function arraySource<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => JsonValue,
): BackfillSource<ArrayRange, Row> {
  return new ArraySource(rows, keyOf);
}

class ArraySource<Row> implements BackfillSource<ArrayRange, Row> {
  readonly kind = 'array';

  constructor(
    private readonly rows: readonly Row[],
    readonly keyOf: (row: Row) => JsonValue,
  ) {}

  async open({ backfill }: SourceContext, { from = 0, to }: OpenRequest): Promise<SourceOpening> {
    const last = this.rows.length - 1;
    const begin = parseIndex(backfill, 'from', from);
    const end = Math.min(last, parseIndex(backfill, 'to', to ?? Math.max(0, last)));
    const bounds = begin <= end ? { begin, end } : null;
    return {
      partitions: [{ name: '', bounds }],
      total: { rows: bounds ? end - begin + 1 : 0, exact: true },
    };
  }

  async plan(_: SourceContext, { bounds, cursor, batchSize, limit }: PlanRequest): Promise<SourcePlan> {
    const { begin, end } = bounds as Indexes;
    const ranges: PlannedRange[] = [];
    let next = (cursor as number | null) ?? begin;
    while (next <= end && ranges.length < limit) {
      const last = Math.min(end, next + batchSize - 1);
      ranges.push(planned({ begin: next, end: last }));
      next = last + 1;
    }
    return { ranges, cursor: next, exhausted: next > end };
  }

  async load(_: SourceContext, data: JsonValue): Promise<Row[]> {
    const { begin, end } = data as Indexes;
    return this.rows.slice(begin, end + 1);
  }

  async loadKeys(_: SourceContext, keys: readonly JsonValue[]): Promise<Row[]> {
    const wanted = new Set(keys.map((key) => JSON.stringify(key)));
    return this.rows.filter((row) => wanted.has(JSON.stringify(this.keyOf(row))));
  }

  async split(_: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const { begin, end } = data as Indexes;
    const middle = Math.floor((begin + end) / 2);
    return begin === end
      ? [planned({ begin, end })]
      : [planned({ begin, end: middle }), planned({ begin: middle + 1, end })];
  }
}

function planned(data: Indexes): PlannedRange {
  return { data, rows: data.end - data.begin + 1 };
}

function parseIndex(backfill: string, field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new BackfillRequestError(backfill, field, 'an array index', value);
  }
  return value;
}
