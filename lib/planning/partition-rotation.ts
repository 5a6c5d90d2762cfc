import type { JsonValue, SourcePartition } from '../sources/backfill-source.js';
import type { RunRecord } from '../state/run-record.js';

/**
 * Round-robin over the partitions of a run that are not exhausted, with the cursor of each. Starts where the last cycle
 * ended, so that no partition waits for the end of another.
 */
export class PartitionRotation {
  private readonly order: SourcePartition[];
  private readonly exhausted: Set<string>;
  private readonly cursors: Map<string, JsonValue>;

  constructor(run: Pick<RunRecord, 'partitions' | 'partitionsDone' | 'cursors' | 'seq'>) {
    const partitions = run.partitions ?? [];
    const first = partitions.length === 0 ? 0 : run.seq % partitions.length;
    this.order = [...partitions.slice(first), ...partitions.slice(0, first)];
    const empty = partitions.filter(({ bounds }) => bounds === null);
    this.exhausted = new Set([...(run.partitionsDone ?? []), ...empty.map(({ name }) => name)]);
    this.cursors = new Map(Object.entries(run.cursors));
  }

  /** Names of the partitions with nothing left to plan. */
  get exhaustedNames(): string[] {
    return [...this.exhausted];
  }

  get isExhausted(): boolean {
    return this.exhausted.size === this.order.length;
  }

  /** How many partitions have something left to plan. */
  get left(): number {
    return this.order.length - this.exhausted.size;
  }

  /** The partition to plan next; none when all are exhausted. */
  next(): SourcePartition | undefined {
    return this.order.find(({ name }) => !this.exhausted.has(name));
  }

  /** `null` at the start of the partition. */
  cursorOf(name: string): JsonValue {
    return this.cursors.get(name) ?? null;
  }

  /** The cursor of each partition. */
  cursorsByName(): Record<string, JsonValue> {
    return Object.fromEntries(this.cursors);
  }

  markExhausted(name: string): void {
    this.exhausted.add(name);
  }

  /** Moves the cursor of a partition, and the partition behind all others. */
  advance(name: string, cursor: JsonValue): void {
    this.cursors.set(name, cursor);
    const at = this.order.findIndex((partition) => partition.name === name);
    if (at >= 0) {
      this.order.push(...this.order.splice(at, 1));
    }
  }

  /** The cursor for people: of the one partition, or by partition. */
  publicCursor(): JsonValue {
    return publicCursor(this.order, this.cursors);
  }
}

/** The cursor for people: of the one partition, or by partition. */
export function publicCursor(
  partitions: readonly SourcePartition[],
  cursors: ReadonlyMap<string, JsonValue>,
): JsonValue {
  if (partitions.length <= 1) {
    return cursors.get(partitions[0]?.name ?? '') ?? null;
  }
  return Object.fromEntries(partitions.map(({ name }) => [name, cursors.get(name) ?? null]));
}
