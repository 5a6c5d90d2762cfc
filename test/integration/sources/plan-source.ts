import type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  SourceOpening,
  SourcePlan,
} from '../../../lib/sources/backfill-source.js';
import type { Shop } from './source-fixture.js';

export interface WalkedRange<TRange extends BackfillRange> {
  readonly range: TRange;
  readonly data: JsonValue;
  readonly partition: string;
  readonly rows: number;
}

export interface Walked<TRange extends BackfillRange> {
  readonly opening: SourceOpening;
  readonly ranges: Array<WalkedRange<TRange>>;
  readonly cycles: number;
}

/** Opens a run and plans it to the end, as the scheduler does, with everything through JSON in between. */
export async function walk<TRange extends BackfillRange, TRow>(
  shop: Pick<Shop, 'context'>,
  source: BackfillSource<TRange, TRow>,
  {
    batchSize,
    limit = 3,
    onCycle,
    ...request
  }: OpenRequest & {
    batchSize: number;
    limit?: number;
    onCycle?: (cycle: number, planned: readonly JsonValue[]) => Promise<void>;
  },
): Promise<Walked<TRange>> {
  await source.prepare?.(shop.context());
  const opening = throughJson(await source.open(shop.context(), request));
  const ranges: Array<WalkedRange<TRange>> = [];
  let cycles = 0;
  for (const { name, bounds } of opening.partitions) {
    let cursor: JsonValue = null;
    for (let exhausted = false; !exhausted; cycles++) {
      const plan: SourcePlan = throughJson(
        await source.plan(shop.context(), { partition: name, bounds, cursor, batchSize, limit }),
      );
      for (const { data, rows } of plan.ranges) {
        const range = source.toRange?.(data, ranges.length, name);
        if (!range) throw new Error('Expected a source with toRange');
        ranges.push({ range, data, partition: name, rows });
      }
      ({ cursor, exhausted } = plan);
      await onCycle?.(
        cycles,
        ranges.map(({ data }) => data),
      );
    }
  }
  return { opening, ranges, cycles };
}

/** Loads each range's rows, the ranges in order. */
export async function loadAll<TRange extends BackfillRange, TRow>(
  shop: Pick<Shop, 'context'>,
  source: BackfillSource<TRange, TRow>,
  { ranges }: Walked<TRange>,
): Promise<TRow[][]> {
  const all: TRow[][] = [];
  for (const { data, partition } of ranges)
    all.push((await source.load?.(shop.context(), data, partition)) ?? []);
  return all;
}

export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
