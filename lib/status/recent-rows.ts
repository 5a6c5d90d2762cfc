import type { BackfillSample } from '../state/sample.store.js';

const PERIODS = 30;
const PERIOD_MS = 2_000;
/** Nothing was measured between two samples that are further apart. */
const GAP_MS = 3_000;

/**
 * Rows a second of the last 30 periods of 2 seconds, oldest first; periods begin at even seconds, so that they stay what they
 * are from one read to the next. 0 where nothing was measured; empty without samples.
 *
 * @param samples newest first
 */
export function recentRows(samples: readonly BackfillSample[], now: number): number[] {
  if (samples.length === 0) {
    return [];
  }
  const rows = Array.from({ length: PERIODS }, () => 0);
  // The newest period is one that a sample ends.
  const end = Math.floor((now - PERIOD_MS / 2) / PERIOD_MS) * PERIOD_MS;
  const begin = end - PERIODS * PERIOD_MS;
  for (const [i, newer] of samples.entries()) {
    const older = samples[i + 1];
    const ms = older ? newer.at - older.at : 0;
    if (!older || ms <= 0 || ms > GAP_MS) {
      continue;
    }
    const perMs = Math.max(0, rowsOf(newer) - rowsOf(older)) / ms;
    const first = Math.max(0, Math.floor((older.at - begin) / PERIOD_MS));
    for (let period = first; period < PERIODS; period++) {
      const from = begin + period * PERIOD_MS;
      const overlap = Math.min(newer.at, from + PERIOD_MS) - Math.max(older.at, from);
      if (overlap <= 0) {
        break;
      }
      rows[period] = (rows[period] ?? 0) + perMs * overlap;
    }
  }
  return rows.map((count) => Math.round((count * 10_000) / PERIOD_MS) / 10);
}

function rowsOf({ rowsDone, rowsFailed }: BackfillSample): number {
  return rowsDone + rowsFailed;
}
