import type { BlockingSession, StallCause } from '../../state/stall.js';

/** A session that waits for a lock. */
export type LockWait = Extract<StallCause, { readonly kind: 'lock' }>['details'];

/** A row of a result, by column. */
export type Row = Readonly<Record<string, unknown>>;

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return value === null || value === undefined || Number.isNaN(Number(value)) ? null : Number(value);
}

/** Groups rows, one for each session that blocks, by the session that waits; the longest wait first. */
export function groupWaits(
  rows: readonly Row[],
  toWait: (row: Row) => Omit<LockWait, 'blockedBy'>,
  toBlocking: (row: Row) => BlockingSession | null,
): LockWait[] {
  const waits = new Map<number, Omit<LockWait, 'blockedBy'> & { blockedBy: BlockingSession[] }>();
  for (const row of rows) {
    const wait = toWait(row);
    const known = waits.get(wait.pid) ?? { ...wait, blockedBy: [] };
    waits.set(wait.pid, known);
    const blocking = toBlocking(row);
    if (blocking && !known.blockedBy.some(({ pid }) => pid === blocking.pid)) {
      known.blockedBy.push(blocking);
    }
  }
  return [...waits.values()].toSorted((a, b) => b.waitedMs - a.waitedMs);
}
