import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { SAMPLE_RANGES } from './sample.store.js';
import type { SamplesRequest } from './sample.store.js';

/** Throws `BackfillRequestError` for an invalid request. */
export function parseSamplesRequest(backfill: string, request: SamplesRequest): SamplesRequest {
  const { after, range } = request;
  if (after !== undefined && !(Number.isFinite(after) && after >= 0)) {
    throw new BackfillRequestError(backfill, 'after', 'a time in epoch milliseconds', after);
  }
  if (range !== undefined && !SAMPLE_RANGES.includes(range)) {
    throw new BackfillRequestError(backfill, 'range', `one of ${SAMPLE_RANGES.join(', ')}`, range);
  }
  return request;
}
