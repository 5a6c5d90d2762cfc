import type { BackfillConfig } from '../../config/backfill-config.js';
import { boundsOf } from '../../config/concurrency-setting.js';
import type { HandlerShape } from '../../handlers/handler-shape.js';
import type { SlotBounds } from './load-signals.js';

/** The keys of the config that say how much a process does at once. */
export type ConcurrencyConfig = Pick<BackfillConfig, 'concurrency' | 'rowConcurrency'>;

/** How a process uses its slots. */
export interface SlotUse {
  /** Ranges at once. */
  readonly ranges: number;
  /** Rows of each at once. */
  readonly rows: number;
  /** How long a slot rests after its work, as a multiple of the time that the work took. */
  readonly rest: number;
}

/** The bounds of the slots of a process, as far as they are to be found; `null` where their number is fixed. */
export function slotBounds(config: ConcurrencyConfig, shape: HandlerShape): SlotBounds | null {
  const { ranges, rows } = partsOf(config, shape);
  const [min, max] = [ranges.min * rows.min, ranges.max * rows.max];
  return min === max ? null : { min, max };
}

/** The slots of a run with a fixed concurrency. */
export function fixedSlots(config: ConcurrencyConfig, shape: HandlerShape): SlotUse {
  const { ranges, rows } = partsOf(config, shape);
  return { ranges: ranges.min, rows: rows.min, rest: 0 };
}

/**
 * Shares a number of slots between rows of a range and ranges: rows come first, as ranges are loaded, and held in memory.
 * Slots are whole, and rest for the fraction that the number is below them.
 */
export function shareSlots(value: number, config: ConcurrencyConfig, shape: HandlerShape): SlotUse {
  const parts = partsOf(config, shape);
  const rows = clamp(Math.ceil(value / parts.ranges.min - ROUNDING), parts.rows);
  const ranges = clamp(Math.ceil(value / rows - ROUNDING), parts.ranges);
  return { ranges, rows, rest: Math.max(0, (ranges * rows) / value - 1) };
}

const ROUNDING = 1e-6;

function clamp(value: number, { min, max }: SlotBounds): number {
  return Math.min(max, Math.max(min, value));
}

function partsOf({ concurrency, rowConcurrency }: ConcurrencyConfig, shape: HandlerShape) {
  return { ranges: boundsOf(concurrency), rows: boundsOf(shape === 'row' ? rowConcurrency : 1) };
}
