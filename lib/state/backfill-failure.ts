import type { JsonValue } from '../sources/backfill-source.js';
import type { StoredError } from './stored-error.js';

/**
 * A range or a row that used up its attempts, stored with its error until a retry succeeds.
 *
 * @publicApi
 */
export interface BackfillFailure {
  readonly id: string;
  readonly kind: 'range' | 'row';
  /** The key of the row, or the range as its source describes it; bigint keys are strings. */
  readonly key: JsonValue;
  readonly error: StoredError;
  readonly attempts: number;
  /** ISO time. */
  readonly failedAt: string;
}

/**
 * One page of failures, newest first.
 *
 * @publicApi
 */
export interface FailurePage {
  readonly items: readonly BackfillFailure[];
  /**
   * Cursor of the next page; `null` at the end. With `group` or `search` a page may have fewer items than `limit`, even
   * none, before the end: it reads at most 50,000 failures.
   */
  readonly next: string | null;
}

/**
 * The page of failures to return.
 *
 * @publicApi
 */
export interface FailurePageRequest {
  /** `next` of the page before. Default: the first page. */
  readonly after?: string;
  /** 1 to 1000. Default: 50. */
  readonly limit?: number;
  /** Default: the newest run. */
  readonly runId?: string;
  /** Only failures of the group of this id, as `failureGroups` returns it. */
  readonly group?: string;
  /** Only failures with this text in their id, key, class or message, in upper or lower case. At most 200 characters. */
  readonly search?: string;
}
