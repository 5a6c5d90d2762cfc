import { BackfillRequestError } from '../errors/backfill-request.error.js';

const MAX_TIME = Date.UTC(2100, 0, 1);

/** The epoch ms of a time by which something ends; throws `BackfillRequestError` for another value. */
export function parseEnd(backfill: string, end: Date | string | number, field = 'until'): number {
  const at = new Date(end).getTime();
  if (!Number.isFinite(at) || at < 0 || at > MAX_TIME) {
    throw new BackfillRequestError(backfill, field, 'a time, such as 2030-01-31T12:00:00Z', end);
  }
  return Math.ceil(at);
}
