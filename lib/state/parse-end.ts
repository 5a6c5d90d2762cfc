import { BackfillRequestError } from '../errors/backfill-request.error.js';

const MAX_TIME = Date.UTC(2100, 0, 1);

/** The epoch ms of a time until which something holds; throws `BackfillRequestError` for another value. */
export function parseEnd(backfill: string, until: Date | string | number): number {
  const at = new Date(until).getTime();
  if (!Number.isFinite(at) || at < 0 || at > MAX_TIME) {
    throw new BackfillRequestError(backfill, 'until', 'a time, such as 2030-01-31T12:00:00Z', until);
  }
  return Math.ceil(at);
}
