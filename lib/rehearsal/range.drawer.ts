import type { EntityManager } from '@mikro-orm/core';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type {
  PlannedRange,
  PlanRequest,
  SourceContext,
  SourceOpening,
  SourcePartition,
} from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';

/** A walk of at most so many ranges is drawn from as a whole. */
const MAX_RANGES = 1_000;

/** Times that a place is drawn at most: behind the last row that matches nothing is planned. */
const MAX_TRIES = 10;

/** A range from a random place of the walk. */
export interface DrawnRange extends PlannedRange {
  readonly partition: string;
}

/** A range of the pool, and how many the source has planned before it in its partition. */
interface PooledRange extends DrawnRange {
  readonly index: number;
}

/**
 * Draws ranges from random places of the walk. A small walk is planned as a whole, and its ranges are drawn without
 * replacement. In a large one the source is asked for a cursor at a random fraction of the walk, so that nothing before it
 * is read; where it cannot tell, the first ranges are drawn from.
 */
export class RangeDrawer {
  /** Ranges that are planned and not drawn yet; `null`: places are drawn instead. */
  private pool: PooledRange[] | null = null;
  /** Whether only the beginning of the walk is drawn from. */
  onlyBeginning = false;

  private constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly context: SourceContext,
    private readonly partitions: readonly SourcePartition[],
    /** Rows of the ranges of the pool. */
    private readonly poolSize: number,
  ) {}

  static async open(
    backfill: RegisteredBackfill,
    em: EntityManager,
    opening: SourceOpening,
    batchSize: number,
  ): Promise<RangeDrawer> {
    const partitions = opening.partitions.filter(({ bounds }) => bounds !== null);
    const drawer = new RangeDrawer(backfill, { em, backfill: backfill.name }, partitions, batchSize);
    await drawer.fillPool();
    return drawer;
  }

  /** The next range of at most so many rows; `null` where there is none. */
  async draw(batchSize: number): Promise<DrawnRange | null> {
    if (this.pool) {
      const pooled = this.pool.pop();
      return pooled && pooled.rows > batchSize ? this.beginningOf(pooled, batchSize) : (pooled ?? null);
    }
    for (let i = 0; i < MAX_TRIES; i++) {
      const partition = this.partitions[Math.floor(Math.random() * this.partitions.length)];
      const cursor = partition && this.cursorIn(partition);
      if (!partition || cursor === undefined) {
        return null;
      }
      const range = await this.planAt(partition, cursor, batchSize);
      if (range) {
        return range;
      }
    }
    return null;
  }

  /** The first rows of a range of the pool: the source plans again from where it begins. */
  private async beginningOf(range: PooledRange, batchSize: number): Promise<DrawnRange | null> {
    const partition = this.partitions.find(({ name }) => name === range.partition);
    if (!partition) {
      return null;
    }
    const { name, bounds } = partition;
    const before = { partition: name, bounds, cursor: null, batchSize: this.poolSize, limit: range.index };
    const cursor = range.index === 0 ? null : (await this.backfill.source.plan(this.context, before)).cursor;
    return this.planAt(partition, cursor, batchSize);
  }

  private async planAt(
    { name, bounds }: SourcePartition,
    cursor: PlanRequest['cursor'],
    batchSize: number,
  ): Promise<DrawnRange | null> {
    const request = { partition: name, bounds, cursor, batchSize, limit: 1 };
    const { ranges } = await this.backfill.source.plan(this.context, request);
    return ranges[0] ? { ...ranges[0], partition: name } : null;
  }

  private async fillPool(): Promise<void> {
    const batchSize = this.poolSize;
    const planned: PooledRange[] = [];
    let isWhole = true;
    for (const { name, bounds } of this.partitions) {
      const limit = Math.ceil(MAX_RANGES / this.partitions.length);
      const request = { partition: name, bounds, cursor: null, batchSize, limit };
      const { ranges, exhausted } = await this.backfill.source.plan(this.context, request);
      planned.push(...ranges.map(({ data, rows }, index) => ({ data, rows, partition: name, index })));
      isWhole &&= exhausted;
    }
    const [first] = this.partitions;
    const canPlace = this.partitions.every((partition) => this.cursorIn(partition) !== null);
    if (isWhole || !first || !canPlace) {
      // Those that are shorter, as the last of a walk is, come last: a further batch would be handled for their missing rows.
      const isFull = ({ rows }: PooledRange) => rows >= batchSize;
      this.pool = [
        ...shuffled(planned.filter((range) => !isFull(range))),
        ...shuffled(planned.filter(isFull)),
      ];
      this.onlyBeginning = !isWhole;
    }
  }

  private cursorIn({ bounds }: SourcePartition) {
    return this.backfill.source.cursorAt?.(bounds, Math.random()) ?? null;
  }
}

/** A drawn range as that of a run is. */
export function toEntry({ data, partition, rows }: DrawnRange): RangeEntry {
  return {
    index: 0,
    claims: 1,
    crashes: 0,
    attempts: 0,
    rows,
    payload: { kind: 'range', partition, range: data },
  };
}

function shuffled<T>(items: readonly T[]): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}
