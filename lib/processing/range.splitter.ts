import { Injectable, Inject } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { JsonValue, SourceContext } from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { RangePiece } from './decide-settlement.js';

/**
 * Splits a range in two, so that a failing row is found by bisection: for a range handler into ranges, for all others
 * into rows by their keys.
 */
@Injectable()
export class RangeSplitter {
  constructor(@Inject(EntityManagers) private readonly managers: Pick<EntityManagers, 'fork'>) {}

  async split(backfill: RegisteredBackfill, entry: RangeEntry): Promise<readonly RangePiece[]> {
    const { payload } = entry;
    const { source, shape, name } = backfill;
    if (payload.kind === 'rows') {
      return halves(payload.partition, payload.keys);
    }
    const em = this.managers.fork();
    const context: SourceContext = { em, backfill: name };
    try {
      if (shape !== 'range' && source.load && source.keyOf && source.loadKeys) {
        const rows = await source.load(context, payload.range, payload.partition);
        return halves(
          payload.partition,
          rows.map((row) => source.keyOf?.(row) ?? null),
        );
      }
      const ranges = (await source.split?.(context, payload.range, payload.partition)) ?? [];
      return ranges.map(({ data, rows }) => ({
        payload: { kind: 'range', partition: payload.partition, range: data },
        rows,
      }));
    } finally {
      em.clear();
    }
  }
}

function halves(partition: string, keys: readonly JsonValue[]): RangePiece[] {
  const middle = Math.ceil(keys.length / 2);
  return [keys.slice(0, middle), keys.slice(middle)]
    .filter((half) => half.length > 0)
    .map((half) => ({ payload: { kind: 'rows', partition, keys: half }, rows: half.length }));
}
