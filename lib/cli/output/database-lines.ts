import type { RunReceipt } from '../../state/run-actions.js';
import { styledState } from './state-style.js';
import type { Style } from './style.js';

/** What became of each of several databases; none of a backfill in one. */
export function databaseLines({ databases = [] }: RunReceipt, style: Style): string[] {
  return databases.map(({ backfill, state, changed, error }) =>
    error === null
      ? `  ${backfill} ${changed ? 'is' : 'was already'} ${state === null ? 'unknown' : styledState(state, style)}`
      : `  ${backfill}: ${style('yellow', error)}`,
  );
}
