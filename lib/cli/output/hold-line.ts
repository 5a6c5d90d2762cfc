import type { GlobalHold } from '../../state/global-hold.js';
import { formatTime } from './time.js';

/** Who holds all backfills, why, since and until when, in words. */
export function holdLine({ reason, by, since, until }: GlobalHold): string {
  const end = until === null ? '' : `, until ${formatTime(until)}`;
  return `held${by === null ? '' : ` by ${by}`}: ${reason}, since ${formatTime(since)}${end}`;
}
