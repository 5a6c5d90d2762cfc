import type { EntityManager } from '@mikro-orm/core';
import { Logger } from '@nestjs/common';
import type { BackfillContext } from '../handlers/backfill-context.js';
import type { BackfillFailure } from '../state/backfill-status.js';

/**
 * A context to call a handler's method with.
 *
 * @example
 * await handler.processRow(account, backfillContext({ em, attempt: 2 }));
 *
 * @publicApi
 */
export function backfillContext(
  given: Partial<BackfillContext> & { readonly em: EntityManager },
): BackfillContext {
  return {
    runId: 'run-1',
    backfill: 'backfill',
    attempt: 1,
    signal: new AbortController().signal,
    logger: new Logger('Backfill'),
    dryRun: false,
    quota: async () => undefined,
    ...given,
  };
}

/**
 * A failure as `BackfillService.failures` lists it.
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
