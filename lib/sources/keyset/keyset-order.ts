import type { EntityMetadata } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { findKeyProperty } from '../keys/key-property.js';
import type { KeyReader, SortColumn } from '../keys/key-reader.js';
import { type SortKey, missingTieBreakers, parseOrderBy } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** An order whose sort keys are resolved to columns by the entity's metadata. */
export interface ResolvedOrder {
  readonly columns: readonly SortColumn[];
  /** Properties of the primary key that are appended to make the order total. */
  readonly tieBreakers: readonly string[];
}

/**
 * The order of a keyset source: `orderBy` and its tie-breakers.
 *
 * @internal
 */
export class KeysetOrder {
  constructor(
    private readonly scope: SourceScope,
    private readonly orderBy: unknown,
  ) {}

  /** The sort keys of `orderBy` and the tie-breakers, which have the direction of the last sort key. */
  sortKeys(tieBreakers: readonly string[]): SortKey[] {
    const { sortKeys } = parseOrderBy(this.orderBy);
    const direction = sortKeys.at(-1)?.direction ?? 'asc';
    return [...sortKeys, ...tieBreakers.map((path) => ({ path, direction }))];
  }

  /** @throws BackfillSourceError if the order is invalid, or if keyset pagination would skip rows in it. */
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
        remedy: 'The position of nulls cannot be set: exclude them with `where`.',
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
    const field = `orderBy.${path}`;
    const lookup = findKeyProperty(meta, path);
    if (!lookup.supported) {
      throw this.scope.error(context, { field, expected: 'a column that can be compared', ...lookup.reason });
    }
    const { property } = lookup;
    const reason = reader.unsupportedReason?.(property);
    if (reason) {
      throw this.scope.error(context, { field, expected: 'a column with one sort order', ...reason });
    }
    if (property.nullable && !this.scope.excludesNull(path)) {
      throw this.scope.error(context, {
        field,
        expected: 'a column without nulls, because comparisons never match null',
        received: 'a nullable column',
        remedy: `Order by another column, or exclude the nulls: where: { ${path}: { $ne: null } }.`,
      });
    }
    if (property.type === 'date' && !reader.exactTimes && (property.precision ?? 0) > 3) {
      throw this.scope.error(context, {
        field,
        expected: 'a timestamp with at most milliseconds, the precision that the database driver reads',
        received: `a timestamp with ${property.precision} fractional digits`,
        remedy: 'Order by another column, or reduce the precision of this column to 3.',
      });
    }
    return { ...property, direction };
  }
}
