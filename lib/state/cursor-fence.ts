import type { JsonValue } from '../sources/backfill-source.js';

/**
 * What precedes the cursors of a run where they are stored. A planner of an earlier version, which knows nothing of
 * verifications or canaries, writes them without it, and its reservations are refused as stale: it would end a verified run
 * with its walk, and exceed the rows of a canary.
 */
export type CursorFence = '' | ' ' | '  ';

/** The fence of a run with these; it stays the same until the run has ended. */
export function fenceOf({
  verification,
  canary,
}: {
  readonly verification: object | null;
  readonly canary: object | null;
}): CursorFence {
  return canary ? '  ' : verification ? ' ' : '';
}

/** The text of a cursor in the run hash. */
export function cursorText(cursor: JsonValue, fence: CursorFence): string {
  return fence + JSON.stringify(cursor);
}
