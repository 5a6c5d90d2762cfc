import { getQueueToken } from '@nestjs/bullmq';

/**
 * Token of the BullMQ `Queue` of a backfill, for `app.get`, `ModuleRef.get` and boards such as bull-board
 * once the app has started. An ordinary queue, to be looked at: what adds jobs to it adds no work.
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
