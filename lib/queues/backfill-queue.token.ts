import { getQueueToken } from '@nestjs/bullmq';

/**
 * Token of the BullMQ `Queue` of a backfill, for `app.get`, `ModuleRef.get` and dashboards such as bull-board, once the
 * app has started. Use the queue for reading only: a job that is added to it is not part of any run.
 *
 * @example
 * ```ts
 * const queue = app.get<Queue>(getBackfillQueueToken('enrich-accounts'));
 * ```
 *
 * @publicApi
 */
export function getBackfillQueueToken(name: string): string {
  return getQueueToken(`backfill:${name}`);
}
