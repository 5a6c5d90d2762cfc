import type { EntityMetadata } from '@mikro-orm/core';
import { describeValue } from '../../errors/describe-value.js';
import type { SourceContext } from '../backfill-source.js';
import { excludesNull } from '../plain-filter.js';
import { findKeyProperty, isRefusal } from '../keys/key-property.js';
import type { KeyReader, WalkColumn } from '../keys/key-reader.js';
import { type OrderColumn, orderColumns, tieBreakers } from '../keys/sort-key.js';
import type { SourceScope } from '../source-scope.js';

/** The columns of a walk as the entity's metadata has them. */
export interface KeysetColumns {
  readonly columns: readonly WalkColumn[];
  /** Properties of the primary key that were appended to make the order unique. */
  readonly appended: readonly string[];
}

/**
 * The order of a keyset source, as it was written and as it is walked.
 *
 * @internal
 */
export class KeysetLayout {
  constructor(
    private readonly scope: SourceScope,
    private readonly orderBy: unknown,
  ) {}

  /** The order with its tie-breakers, which follow the direction of the last column that was named. */
  order(appended: readonly string[]): OrderColumn[] {
    const { columns } = orderColumns(this.orderBy);
    const direction = columns.at(-1)?.direction ?? 'asc';
    return [...columns, ...appended.map((path) => ({ path, direction }))];
  }

  /** @throws BackfillSourceError when the order cannot be walked without losing rows. */
  resolve(context: SourceContext, meta: EntityMetadata, reader: KeyReader): KeysetColumns {
    this.checkOrder(context);
    const appended = tieBreakers(meta, this.order([]));
    const columns = this.order(appended).map((column) => this.column(context, meta, reader, column));
    return { columns, appended };
  }

  private checkOrder(context: SourceContext): void {
    const { columns, problems } = orderColumns(this.orderBy);
    const [problem] = problems;
    if (problem) {
      throw this.scope.error(context, {
        field: `orderBy.${problem.path}`,
        expected: "'asc' or 'desc', once for each property",
        received: describeValue(problem.received),
        remedy: 'Nulls have no place of their own in a walk: leave them out with `where`.',
      });
    }
    if (columns.length === 0) {
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
    { path, direction }: OrderColumn,
  ): WalkColumn {
    const property = findKeyProperty(meta, path);
    const field = `orderBy.${path}`;
    if (isRefusal(property)) {
      throw this.scope.error(context, { field, expected: 'a column that can be compared', ...property });
    }
    const refusal = reader.refuse?.(property);
    if (refusal) {
      throw this.scope.error(context, { field, expected: 'a column that can be walked', ...refusal });
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
    if (property.kind === 'date' && !reader.exactTimes && (property.precision ?? 0) > 3) {
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
