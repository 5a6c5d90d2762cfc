import type { EntityManager } from '@mikro-orm/core';
import type { SourceContext } from '../../sources/backfill-source.js';
import type { Execution } from '../execution.js';

/** Loads the rows of a piece of work, of a range or by their keys. */
export async function loadRows(
  { backfill, entry, signal }: Execution,
  em: EntityManager,
): Promise<unknown[]> {
  const { source, name } = backfill;
  const context: SourceContext = { em, signal, backfill: name };
  const { payload } = entry;
  const rows =
    payload.kind === 'range'
      ? await source.load?.(context, payload.range, payload.partition)
      : await source.loadKeys?.(context, payload.keys, payload.partition);
  return rows ?? [];
}
