import type { EntityManager } from '@mikro-orm/core';
import { countOf } from '../errors/count-of.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { BatchObserver } from './batch.observer.js';

const SHOWN_KEYS = 5;

/**
 * What of a batch was not rolled back, in words; `null`: nothing. `committed` is the statement with which the handler has
 * committed outside of the transaction that it is given.
 */
export async function findCommitted(
  className: string,
  committed: string | null,
  observer: BatchObserver,
  em: EntityManager,
): Promise<string | null> {
  const kept = await observer.keptRows(em);
  const keys = kept.slice(0, SHOWN_KEYS).map(({ key }) => JSON.stringify(key));
  const rows =
    kept.length === 0
      ? ''
      : ` Rows that were not rolled back: ${keys.join(', ')}${kept.length > SHOWN_KEYS ? ', …' : ''}.`;
  if (committed !== null) {
    return (
      `${className} commits by itself, outside of the transaction that it is given: ` +
      `${JSON.stringify(committed)}.${rows} Use the entity manager of the context, without a transaction of another one.`
    );
  }
  if (observer.hasEndedTransaction) {
    return (
      `${className} ended the transaction that it was given, with a COMMIT or ROLLBACK of its own.${rows} ` +
      'Leave the transaction to the library.'
    );
  }
  if (kept.some(({ key, after }) => isWritten(observer, key, after))) {
    return (
      `${countOf(kept.length, 'row')} kept what was written during the rehearsal, although it was rolled back.${rows} ` +
      `Either ${className} writes on a connection of its own, or the app wrote these rows meanwhile.`
    );
  }
  return null;
}

function isWritten(observer: BatchObserver, key: JsonValue, kept: unknown): boolean {
  const seen = observer.rows.find((row) => JSON.stringify(row.key) === JSON.stringify(key));
  return seen !== undefined && JSON.stringify(seen.after) === JSON.stringify(kept);
}
