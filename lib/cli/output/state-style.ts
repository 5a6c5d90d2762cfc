import type { BackfillStatus } from '../../status/backfill-status.js';
import type { Style } from './style.js';

const COLORS = {
  idle: 'dim',
  running: 'cyan',
  verifying: 'cyan',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'magenta',
} as const;

/** The name of a state in its color, or another text about it. */
export function styledState(state: BackfillStatus['state'], style: Style, text: string = state): string {
  return style(COLORS[state], text);
}
