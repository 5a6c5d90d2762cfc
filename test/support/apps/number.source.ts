import {
  BackfillSourceError,
  type BackfillRange,
  type BackfillSource,
  type JsonValue,
  type PlannedRange,
} from 'nestjs-backfill';

/** Numbers from `low` to `high`, both inclusive. */
export interface NumberRange extends BackfillRange {
  readonly low: number;
  readonly high: number;
}

/** What batch and row handlers get. */
export interface NumberRow {
  readonly id: number;
}

export interface NumberSourceOptions {
  /** Names of walks of their own over the same numbers. */
  readonly partitions?: readonly string[];
  /** Called before each plan, to fail or to wait. */
  readonly beforePlan?: () => void | Promise<void>;
}

/** The number of rows between two bounds has to be a safe integer, too. */
const MOST = 1e15;

type Span = { readonly low: number; readonly high: number };

/** Walks the numbers from `count` down to 1 and needs no table. */
export function numbers(
  count: number,
  options: NumberSourceOptions = {},
): BackfillSource<NumberRange, NumberRow> {
  const { partitions = [''], beforePlan } = options;
  return {
    kind: 'numbers',
    open: async ({ backfill }, { from = count, to = 1 }) => {
      const bounds = { low: parseBound(backfill, 'to', to), high: parseBound(backfill, 'from', from) };
      const rows = Math.max(0, bounds.high - bounds.low + 1);
      return {
        partitions: partitions.map((name) => ({
          name,
          bounds: rows === 0 ? null : bounds,
          ...(name === '' ? {} : { total: { rows, exact: true } }),
        })),
        total: { rows: rows * partitions.length, exact: true },
      };
    },
    plan: async (_, { bounds, cursor, batchSize, limit }) => {
      await beforePlan?.();
      const { low, high } = bounds as Span;
      const ranges: PlannedRange[] = [];
      let next = typeof cursor === 'number' ? cursor : high;
      while (next >= low && ranges.length < limit) {
        const begin = Math.max(low, next - batchSize + 1);
        ranges.push({ data: { low: begin, high: next }, rows: next - begin + 1 });
        next = begin - 1;
      }
      return { ranges, cursor: next, exhausted: next < low };
    },
    load: async (_, planned) => rowsOf(planned),
    keyOf: ({ id }) => id,
    loadKeys: async (_, keys) => keys.map((id) => ({ id: Number(id) })),
    split: async (_, planned) => {
      const { low, high } = planned as Span;
      const middle = Math.floor((low + high) / 2);
      const halves = [
        { low: middle + 1, high },
        { low, high: middle },
      ];
      return halves
        .filter((half) => half.low <= half.high)
        .map((half) => ({ data: half, rows: half.high - half.low + 1 }));
    },
  };
}

function parseBound(backfill: string, field: 'from' | 'to', bound: unknown): number {
  const value = typeof bound === 'string' ? Number(bound) : bound;
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= MOST) {
    return value;
  }
  throw new BackfillSourceError({
    code: 'BACKFILL_SOURCE_BOUNDS',
    backfill,
    entity: 'numbers',
    field,
    expected: 'a whole number',
    received: String(bound),
    remedy: `Pass one from -${MOST} to ${MOST}.`,
  });
}

function rowsOf(planned: JsonValue): NumberRow[] {
  const { low, high } = planned as Span;
  return Array.from({ length: high - low + 1 }, (_, i) => ({ id: high - i }));
}
