import type { JsonValue } from '../sources/backfill-source.js';

/**
 * What can happen to a backfill:
 *
 * - `started`, `paused`, `resumed`, `cancelled`: somebody, or a limit, did it
 * - `planned`: a cycle planned ranges
 * - `rangeCompleted`: progress, at most twice a second and run
 * - `quarantined`: a range or row used up its attempts
 * - `throttled`: the rate in force changed, with the reason
 * - `configured`: the config changed
 * - `completed`: all is done; `failed`: all was tried and failures are left
 *
 * @publicApi
 */
export const BACKFILL_EVENT_TYPES = [
  'started',
  'planned',
  'rangeCompleted',
  'quarantined',
  'throttled',
  'paused',
  'resumed',
  'cancelled',
  'configured',
  'completed',
  'failed',
] as const;

/**
 * One of `BACKFILL_EVENT_TYPES`.
 *
 * @publicApi
 */
export type BackfillEventType = (typeof BACKFILL_EVENT_TYPES)[number];

/**
 * Something that happened, told to every process in the same order.
 *
 * @publicApi
 */
export interface BackfillEvent {
  /** Grows from event to event; a stream goes on after it. */
  readonly id: string;
  readonly type: BackfillEventType;
  readonly backfill: string;
  readonly runId: string | null;
  /** ISO time, by the clock of Redis. */
  readonly at: string;
  readonly data: { readonly [key: string]: JsonValue };
}
