import type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  SourceOpening,
  SourcePlan,
} from '../../../lib/sources/backfill-source.js';
import type { SourceFixture } from './source-fixture.js';

export interface PartitionRange<TRange extends BackfillRange> {
  readonly range: TRange;
  readonly data: JsonValue;
  readonly partition: string;
  readonly rows: number;
}

export interface CompletePlan<TRange extends BackfillRange> {
  readonly opening: SourceOpening;
  readonly ranges: Array<PartitionRange<TRange>>;
  readonly cycles: number;
}

/** Opens a source and plans all of it, with bounds, cursors and ranges converted to JSON and back. */
export async function planAll<TRange extends BackfillRange, TRow>(
  fixture: Pick<SourceFixture, 'context'>,
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
): Promise<CompletePlan<TRange>> {
  await source.prepare?.(fixture.context());
  const opening = throughJson(await source.open(fixture.context(), request));
  const ranges: Array<PartitionRange<TRange>> = [];
  let cycles = 0;
  for (const { name, bounds } of opening.partitions) {
    let cursor: JsonValue = null;
    for (let exhausted = false; !exhausted; cycles++) {
      const plan: SourcePlan = throughJson(
        await source.plan(fixture.context(), { partition: name, bounds, cursor, batchSize, limit }),
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

/** Loads the rows of each range. */
export async function loadAll<TRange extends BackfillRange, TRow>(
  fixture: Pick<SourceFixture, 'context'>,
  source: BackfillSource<TRange, TRow>,
  { ranges }: CompletePlan<TRange>,
): Promise<TRow[][]> {
  const all: TRow[][] = [];
  for (const { data, partition } of ranges)
    all.push((await source.load?.(fixture.context(), data, partition)) ?? []);
  return all;
}

export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
