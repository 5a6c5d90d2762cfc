import type { EntityManager } from '@mikro-orm/core';
import { Logger } from '@nestjs/common';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { BackfillFailure } from '../state/backfill-failure.js';

/**
 * Builds the context of a handler, for a direct call of a handler method in a test. By default it is the
 * first attempt of run `run-1` without parameters, not a dry run, with a signal that is never aborted and a quota without limit.
 *
 * @param given the entity manager, and the fields to set
 *
 * @example
 * ```ts
 * await handler.processRow(account, backfillContext({ em, attempt: 2 }));
 * ```
 *
 * @publicApi
 */
export function backfillContext<TParams = undefined>(
  given: Partial<BackfillContext<TParams>> & { readonly em: EntityManager },
): BackfillContext<TParams> {
  return {
    params: undefined as TParams,
    runId: 'run-1',
    backfill: 'backfill',
    attempt: 1,
    signal: new AbortController().signal,
    logger: new Logger('Backfill'),
    dryRun: false,
    journal: async (_, write) => write(given.em),
    quota: async () => undefined,
    ...given,
  };
}

/**
 * Builds a failure as `BackfillService.failures` lists it. By default it is the row with id 1, which failed
 * with `Error: it failed` after 3 attempts on 2026-01-01.
 *
 * @param given the fields to set
 *
 * @example
 * ```ts
 * const page = { items: [backfillFailure({ key: { id: 7 } })], next: null };
 * ```
 *
 * @publicApi
 */
export function backfillFailure(given: Partial<BackfillFailure> = {}): BackfillFailure {
  return {
    id: 'row-1',
    kind: 'row',
    key: { id: 1 },
    error: { name: 'Error', message: 'it failed' },
    attempts: 3,
    failedAt: '2026-01-01T00:00:00.000Z',
    ...given,
  };
}
