import type { EntityManager, EntityMetadata, EntityName } from '@mikro-orm/core';
import { BackfillSourceError, type BackfillSourceProblem } from '../errors/backfill-source.error.js';
import { describeValue } from '../errors/describe-value.js';
import type { SourceContext } from './backfill-source.js';
import { copyFilter, isEmptyFilter, type PlainFilter } from './plain-filter.js';
import type { SourceScopeOptions } from './source-options.js';

/** MikroORM's generic methods, for an entity that is only known at run time. */
interface UntypedEntityManager {
  find(entity: unknown, filter: PlainFilter, options: object): Promise<object[]>;
  count(entity: unknown, filter: PlainFilter, options: object): Promise<number>;
}

/**
 * The entity and the filters that every query of a source shares.
 *
 * @internal
 */
export class SourceScope {
  private constructor(
    /** As MikroORM takes it: a class or a schema. */
    readonly entity: unknown,
    private readonly options: SourceScopeOptions<object>,
    private readonly factory: string,
  ) {}

  /** @param factory Name of the function that the app called, for error messages. */
  static of<Entity extends object>(
    entity: EntityName<Entity>,
    options: SourceScopeOptions<Entity>,
    factory: string,
  ): SourceScope {
    return new SourceScope(entity, options, factory);
  }

  /** One empty name for a source without partitions. */
  get partitions(): readonly string[] {
    return this.options.partitions ? Object.keys(this.options.partitions) : [''];
  }

  get filters(): SourceScopeOptions<object>['filters'] {
    return this.options.filters;
  }

  /**
   * The filter of a partition, joined with further conditions.
   *
   * @throws BackfillSourceError when the source no longer has the partition.
   */
  filter(partition: string, ...conditions: readonly PlainFilter[]): PlainFilter {
    this.checkPartition({ backfill: 'unknown' }, partition);
    // Copies: MikroORM's query builder writes into the filters that it is given.
    const parts = [...this.appFilters(partition), ...conditions]
      .filter((part) => !isEmptyFilter(part))
      .map(copyFilter);
    return parts.length < 2 ? ((parts[0] ?? {}) as PlainFilter) : { $and: parts };
  }

  /** The filters that the app wrote, to look for what they leave out. */
  appFilters(partition: string): readonly unknown[] {
    const filters: unknown[] = [this.options.where, this.options.partitions?.[partition]];
    return filters.map((filter) => (typeof filter === 'function' ? (filter as () => unknown)() : filter));
  }

  async find({ em }: SourceContext, filter: PlainFilter, options: object): Promise<object[]> {
    return untyped(em).find(this.entity, filter, { ...this.readOptions, ...options });
  }

  async count({ em }: SourceContext, filter: PlainFilter): Promise<number> {
    return untyped(em).count(this.entity, filter, this.readOptions);
  }

  /** Rows that match `where` now; `null` without one, as every row matches then. */
  async countLeft(context: SourceContext): Promise<number | null> {
    if (this.options.where === undefined) return null;
    const counts = this.partitions.map((partition) => this.count(context, this.filter(partition)));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** @throws BackfillSourceError when MikroORM does not know the entity, or the partitions cannot be walked. */
  check(context: SourceContext): EntityMetadata {
    const meta = this.metadata(context);
    const names = this.partitions;
    if (names.length === 0 || (this.options.partitions && names.includes(''))) {
      throw this.error(context, {
        field: 'partitions',
        expected: 'at least one name, none of them empty',
        received: names.length === 0 ? 'none' : 'an empty name',
        remedy: `Name each shard in ${this.factory}(${this.entityName}, { partitions: { … } }), or leave it out.`,
      });
    }
    return meta;
  }

  /** @throws BackfillSourceError when the run names a partition that the source no longer has. */
  checkPartition(context: Pick<SourceContext, 'backfill'>, partition: string): void {
    if (this.partitions.includes(partition)) return;
    throw this.error(context, {
      field: 'partitions',
      expected: `one of ${this.partitions.map(describeValue).join(', ')}`,
      received: describeValue(partition),
      remedy: 'The run was started with other partitions: bring them back, or cancel it and start again.',
    });
  }

  /**
   * Makes sure that a run goes on in the order in which it began: another would pass over rows.
   *
   * @throws BackfillSourceError with code `BACKFILL_SOURCE_KEY`.
   */
  checkOrderUnchanged(context: SourceContext, stored: string, current: string): void {
    if (stored === current) return;
    throw this.error(context, {
      code: 'BACKFILL_SOURCE_KEY',
      field: this.factory,
      expected: `the order in which the run was started (${stored})`,
      received: current,
      remedy: 'Bring that order back until the run has ended, or cancel the run and start again.',
    });
  }

  /** @throws BackfillSourceError when MikroORM does not know the entity. */
  metadata({ em, backfill }: SourceContext): EntityMetadata {
    try {
      return em.getMetadata(this.entity as EntityName);
    } catch (cause) {
      throw this.error(
        { backfill },
        {
          field: 'entity',
          expected: 'an entity that MikroORM knows',
          received: describeValue(this.entityName),
          remedy: `Add ${this.entityName} to the \`entities\` of the MikroORM that this backfill uses.`,
        },
        { cause },
      );
    }
  }

  error(
    { backfill }: Pick<SourceContext, 'backfill'>,
    problem: Omit<BackfillSourceProblem, 'backfill' | 'entity'>,
    options?: ErrorOptions,
  ): BackfillSourceError {
    return new BackfillSourceError({ backfill, entity: this.entityName, ...problem }, options);
  }

  /** Read from the primary: a replica that lags would hide rows. */
  private get readOptions(): object {
    const { filters } = this.options;
    return { connectionType: 'write', ...(filters === undefined ? {} : { filters }) };
  }

  private get entityName(): string {
    if (typeof this.entity === 'string') return this.entity;
    const named = this.entity as { name?: unknown; meta?: { className?: unknown } } | undefined;
    return String(named?.meta?.className ?? named?.name ?? this.entity);
  }
}

function untyped(em: EntityManager): UntypedEntityManager {
  return em;
}
