import { isHiddenRun } from '../redis/hidden-run-id.js';
import type { JsonValue } from '../sources/backfill-source.js';

/**
 * What precedes the cursors of a run where they are stored. A planner of an earlier version, which knows nothing of
 * verifications, canaries, undos or other databases, writes them without it, and its reservations are refused as stale: it
 * would end a verified run with its walk, exceed the rows of a canary, and plan an undo by the source of the backfill, and a
 * run in another database by the rows of its own.
 */
export type CursorFence = '' | ' ' | '  ';

/** The fence of a run with these; it stays the same until the run has ended. */
export function fenceOf({
  id,
  verification,
  canary,
}: {
  readonly id: string;
  readonly verification: object | null;
  readonly canary: object | null;
}): CursorFence {
  return canary || isHiddenRun(id) ? '  ' : verification ? ' ' : '';
}

/** The text of a cursor in the run hash. */
export function cursorText(cursor: JsonValue, fence: CursorFence): string {
  return fence + JSON.stringify(cursor);
}
