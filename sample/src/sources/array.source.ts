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

/** Positions from `begin` to `end`, both inclusive, the first row being 0. */
export interface ArrayRange extends BackfillRange {
  readonly begin: number;
  readonly end: number;
}

/** What is kept of a range in Redis. A `type`, for an interface would not be JSON to TypeScript. */
type Positions = { readonly begin: number; readonly end: number };

/**
 * Walks rows that the code itself holds, such as a list of countries or of tenants.
 *
 * Every process of the app has to hold the same rows in the same order, for as long as a run takes: the
 * positions are all that is kept between planning and work.
 *
 * @param rows what is walked, from the first to the last
 * @param keyOf tells a row from all others; kept with its failure
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
    const begin = position(backfill, 'from', from);
    const end = Math.min(last, position(backfill, 'to', to ?? Math.max(0, last)));
    const bounds = begin <= end ? { begin, end } : null;
    return {
      partitions: [{ name: '', bounds }],
      total: { rows: bounds ? end - begin + 1 : 0, exact: true },
    };
  }

  async plan(_: SourceContext, { bounds, cursor, batchSize, limit }: PlanRequest): Promise<SourcePlan> {
    const { begin, end } = bounds as Positions;
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
    const { begin, end } = data as Positions;
    return this.rows.slice(begin, end + 1);
  }

  async loadKeys(_: SourceContext, keys: readonly JsonValue[]): Promise<Row[]> {
    const wanted = new Set(keys.map((key) => JSON.stringify(key)));
    return this.rows.filter((row) => wanted.has(JSON.stringify(this.keyOf(row))));
  }

  async split(_: SourceContext, data: JsonValue): Promise<PlannedRange[]> {
    const { begin, end } = data as Positions;
    const middle = Math.floor((begin + end) / 2);
    return begin === end
      ? [planned({ begin, end })]
      : [planned({ begin, end: middle }), planned({ begin: middle + 1, end })];
  }
}

function planned(data: Positions): PlannedRange {
  return { data, rows: data.end - data.begin + 1 };
}

function position(backfill: string, field: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw new BackfillRequestError(backfill, field, 'a position from 0', value);
  }
  return value;
}
