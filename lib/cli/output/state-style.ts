import type { BackfillStatus } from '../../state/backfill-status.js';
import type { Style } from './style.js';

const COLOURS = {
  idle: 'dim',
  running: 'cyan',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'magenta',
} as const;

/** A state in its colour. */
export function styledState(state: BackfillStatus['state'], style: Style): string {
  return style(COLOURS[state], state);
}
