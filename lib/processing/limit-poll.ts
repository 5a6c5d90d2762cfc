import type { BackfillConfig } from '../config/backfill-config.js';

const LEAST_MS = 200;
const MOST_MS = 500;

/** How often a worker that waits for the rate limit looks whether it was lifted: less often where it is low. */
export function limitPollMs({ perSecondOnPeak, perSecondOffPeak }: BackfillConfig): number {
  const fastest = Math.max(perSecondOnPeak ?? Infinity, perSecondOffPeak ?? Infinity);
  return Math.min(MOST_MS, Math.max(LEAST_MS, 250 / fastest));
}
