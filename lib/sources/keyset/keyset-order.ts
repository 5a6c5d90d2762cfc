import type { EntityMetadata } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { excludesNull } from '../plain-filter.js';
import { findKeyProperty } from '../keys/key-property.js';
import type { KeyReader, SortColumn } from '../keys/key-reader.js';
import { type SortKey, missingTieBreakers, parseOrderBy } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** The columns of a walk as the entity's metadata has them. */
export interface ResolvedOrder {
  readonly columns: readonly SortColumn[];
  /** Properties of the primary key that were tieBreakers to make the order unique. */
  readonly tieBreakers: readonly string[];
}

/**
 * The order of a keyset source, as it was written and as it is walked.
 *
 * @internal
 */
export class KeysetOrder {
  constructor(
    private readonly scope: SourceScope,
    private readonly orderBy: unknown,
  ) {}

  /** The order with its tie-breakers, which follow the direction of the last column that was named. */
  sortKeys(tieBreakers: readonly string[]): SortKey[] {
    const { sortKeys } = parseOrderBy(this.orderBy);
    const direction = sortKeys.at(-1)?.direction ?? 'asc';
    return [...sortKeys, ...tieBreakers.map((path) => ({ path, direction }))];
  }

  /** @throws BackfillSourceError when the order cannot be walked without losing rows. */
  resolve(context: SourceContext, meta: EntityMetadata, reader: KeyReader): ResolvedOrder {
    this.checkOrder(context);
    const tieBreakers = missingTieBreakers(meta, this.sortKeys([]));
    const columns = this.sortKeys(tieBreakers).map((sortKey) => this.column(context, meta, reader, sortKey));
    return { columns, tieBreakers };
  }

  private checkOrder(context: SourceContext): void {
    const { sortKeys, invalid } = parseOrderBy(this.orderBy);
    const [problem] = invalid;
    if (problem) {
      throw this.scope.error(context, {
        field: `orderBy.${problem.path}`,
        expected: "'asc' or 'desc', once for each property",
        received: describeValue(problem.received),
        remedy: 'Nulls have no place of their own in a walk: leave them out with `where`.',
      });
    }
    if (sortKeys.length === 0) {
      throw this.scope.error(context, {
        field: 'orderBy',
        expected: 'at least one property',
        received: 'none',
        remedy: "Name the columns of an index, such as { createdAt: 'asc', id: 'asc' }.",
      });
    }
  }

  private column(
    context: SourceContext,
    meta: EntityMetadata,
    reader: KeyReader,
    { path, direction }: SortKey,
  ): SortColumn {
    const lookup = findKeyProperty(meta, path);
    const field = `orderBy.${path}`;
    if (!lookup.supported) {
      throw this.scope.error(context, { field, expected: 'a column that can be compared', ...lookup.reason });
    }
    const { property } = lookup;
    const reason = reader.unsupportedReason?.(property);
    if (reason) {
      throw this.scope.error(context, { field, expected: 'a column that can be walked', ...reason });
    }
    const filtered = this.scope.partitions.every((partition) =>
      excludesNull(this.scope.appFilters(partition), path),
    );
    if (property.nullable && !filtered) {
      throw this.scope.error(context, {
        field,
        expected: 'a column without nulls, which no walk reaches',
        received: 'a nullable one',
        remedy: `Order by another column, or leave the nulls out: where: { ${path}: { $ne: null } }.`,
      });
    }
    if (property.type === 'date' && !reader.exactTimes && (property.precision ?? 0) > 3) {
      throw this.scope.error(context, {
        field,
        expected: 'a time of milliseconds at most, which is all that this database driver hands over',
        received: `one with ${property.precision} digits of a second`,
        remedy: 'Order by another column, or lower the precision of this one to 3.',
      });
    }
    return { ...property, direction };
  }
}
