import type { ErrorVerdict } from '../database/classify-error.js';

/** Ms after which a cycle that failed comes again. */
export function retryAfter(kind: ErrorVerdict['kind']): number {
  return kind === 'unreachable' ? 5_000 : 2_000;
}
