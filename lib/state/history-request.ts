import { parseLimit } from '../config/parse-limit.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { BACKFILL_EVENT_TYPES } from './backfill-event.js';
import type { BackfillEventType } from './backfill-event.js';

const ENTRIES_PER_PAGE = 50;
const ENTRY_ID = /^\d{1,15}-\d{1,20}$/;

/**
 * The types of entries of a history: those of events, and `retried`, where failures became outstanding work again.
 *
 * @publicApi
 */
export type BackfillHistoryType = BackfillEventType | 'retried';

export const HISTORY_TYPES: readonly BackfillHistoryType[] = [...BACKFILL_EVENT_TYPES, 'retried'];

/**
 * The entries of a history to return.
 *
 * @publicApi
 */
export interface HistoryRequest {
  /** 1 to 1000. Default: 50. */
  readonly limit?: number;
  /** Id of the last entry of the page before. Default: the newest entries. */
  readonly before?: string;
  /** Only entries of these types. Default: all. */
  readonly types?: readonly BackfillHistoryType[];
  /** Only entries of this run. Default: those of all runs, and those of no run. */
  readonly runId?: string;
}

/** A request with its defaults. */
export interface HistoryPage extends HistoryRequest {
  readonly limit: number;
}

/** Throws `BackfillRequestError` for an invalid request. */
export function parseHistoryRequest(backfill: string, request: number | HistoryRequest): HistoryPage {
  if (typeof request === 'number') {
    return { limit: request };
  }
  const { before, types } = request;
  if (before !== undefined && !ENTRY_ID.test(before)) {
    throw new BackfillRequestError(backfill, 'before', 'the id of an entry of the history', before);
  }
  const unknown = types?.find((type) => !HISTORY_TYPES.includes(type));
  if (unknown !== undefined) {
    throw new BackfillRequestError(backfill, 'types', `some of ${HISTORY_TYPES.join(', ')}`, unknown);
  }
  return { ...request, limit: parseLimit(backfill, request.limit, ENTRIES_PER_PAGE) };
}
