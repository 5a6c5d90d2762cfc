import { BackfillRequestError } from '../errors/backfill-request.error.js';

const MAX_LIMIT = 1000;

/** Validates the size of a page: a whole number from 1 to 1000. */
export function parseLimit(backfill: string, limit: number | undefined, fallback: number): number {
  if (limit === undefined) {
    return fallback;
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new BackfillRequestError(backfill, 'limit', `a whole number from 1 to ${MAX_LIMIT}`, limit);
  }
  return limit;
}
