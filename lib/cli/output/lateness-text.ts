import { describeLimit } from '../../state/limiting-factor.js';
import type { ExpectedLateness } from '../../state/limiting-factor.js';
import { formatDuration, formatTime } from './time.js';

/** What is said of a run at its start that is expected to end too late. */
export function latenessText({ eta, by, limitedBy }: ExpectedLateness): string {
  const limit = limitedBy === null ? '' : `: ${describeLimit(limitedBy)}`;
  return `warning: it is expected to end at ${formatTime(eta)}, ${formatDuration(by)} too late${limit}`;
}
