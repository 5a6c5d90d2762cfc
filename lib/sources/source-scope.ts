import { type EntityManager, type EntityMetadata, type EntityName, RawQueryFragment } from '@mikro-orm/core';
import { schemaOf } from '../database/table-name.js';
import { BackfillSourceError, type BackfillSourceProblem } from '../errors/backfill-source.error.js';
import { describeValue } from '../errors/describe-value.js';
import type {
  JsonValue,
  SourceContext,
  SourceCoverage,
  SourceDatabase,
  SourcePartition,
} from './backfill-source.js';
import { filterOfPartition, isDatabasePartition } from './database-partition.js';
import { describeFilter } from './describe-filter.js';
import { rememberReferences } from './loaded-references.js';
import { copyFilter, excludesNull, isEmptyFilter, type PlainFilter } from './plain-filter.js';
import type { SourceScopeOptions } from './source-options.js';

/** Methods of an entity manager, for an entity that is known only at run time. */
interface UntypedEntityManager {
  find(entity: unknown, filter: PlainFilter, options: object): Promise<object[]>;
  count(entity: unknown, filter: PlainFilter, options: object): Promise<number>;
  populate(rows: readonly object[], relations: readonly string[], options: object): Promise<unknown>;
}

/** The table of an entity. */
export interface SourceTable {
  /** `undefined`: the schema of the connection. */
  readonly schema: string | undefined;
  readonly name: string;
}

/** A partition in a database of its own. */
export interface ScopeDatabase extends Omit<SourceDatabase, 'source'> {
  readonly scope: SourceScope;
}

/**
 * MikroORM joins to-one relations whose entity has an active filter, and drops the rows whose relation is filtered
 * out. Planning reads the entity's own table, so these rows would be planned and never loaded. A cache of results
 * that the app has turned on for all queries would answer rows as they were.
 */
const OWN_ROWS = { populate: false, cache: false };

/**
 * The entity and the filters that all queries of a source have in common.
 *
 * @internal
 */
export class SourceScope {
  private constructor(
    /** A class, a schema or a name. */
    readonly entity: unknown,
    private readonly options: SourceScopeOptions<object>,
    private readonly factory: string,
  ) {}

  /** @param factory The function that the app called, `idRange` or `keyset`, for error messages. */
  static of<Entity extends object>(
    entity: EntityName<Entity>,
    options: SourceScopeOptions<Entity>,
    factory: string,
  ): SourceScope {
    return new SourceScope(entity, options, factory);
  }

  /** Names of the partitions; a single empty string for a source without partitions. */
  get partitions(): readonly string[] {
    return this.options.partitions ? Object.keys(this.options.partitions) : [''];
  }

  get filters(): SourceScopeOptions<object>['filters'] {
    return this.options.filters;
  }

  /**
   * The filter of a partition, combined with further conditions.
   *
   * @throws BackfillSourceError if the source no longer has the partition.
   */
  filter(partition: string, ...conditions: readonly PlainFilter[]): PlainFilter {
    this.checkPartition({ backfill: 'unknown' }, partition);
    // Copied, because MikroORM's query builder modifies its filters.
    const filters = [...this.ownFilters(partition), ...conditions]
      .filter((filter) => !isEmptyFilter(filter))
      .map(copyFilter);
    return filters.length < 2 ? ((filters[0] ?? {}) as PlainFilter) : { $and: filters };
  }

  /** Whether the source has a `where` that rows may stop to match. */
  get isFiltered(): boolean {
    return !isEmptyFilter(resolved(this.options.where));
  }

  /** The same scope without its `where`, or with another one. */
  withWhere(where?: PlainFilter): SourceScope {
    return new SourceScope(this.entity, { ...this.options, where }, this.factory);
  }

  /** The partitions, where any of them is in a database of its own; else none. */
  get databases(): readonly ScopeDatabase[] {
    const partitions = Object.entries(this.options.partitions ?? {});
    if (!partitions.some(([, partition]) => isDatabasePartition(partition))) return [];
    return partitions.map(([name, partition]) => {
      const filter = filterOfPartition(partition) as PlainFilter | (() => PlainFilter) | undefined;
      return {
        partition: name,
        contextName: isDatabasePartition(partition) ? partition.contextName : undefined,
        filter: describeFilter(resolved(filter)),
        scope: new SourceScope(
          this.entity,
          { ...this.options, partitions: { [name]: filter ?? {} } },
          this.factory,
        ),
      };
    });
  }

  /** Whether the filters of every partition exclude rows whose property is null. */
  excludesNull(path: string): boolean {
    return this.partitions.every((partition) => excludesNull(this.ownFilters(partition), path));
  }

  /**
   * Describes by part which rows the source reads, and in which order: see `BackfillSource.walk`.
   *
   * @param order The order as text.
   */
  walk(context: SourceContext, order: string): Record<string, string> {
    const meta = this.metadata(context);
    const { where, filters, partitions } = this.options;
    const byName = Object.entries(partitions ?? {}).map(([name, filter]) => [
      partitionPart(name),
      describeFilter(resolved(filterOfPartition(filter))),
    ]);
    return {
      table: [meta.schema, meta.tableName].filter(Boolean).join('.'),
      order,
      where: describeFilter(resolved(where)),
      filters: describeFilter(filters),
      partitions: partitions ? 'by name' : 'none',
      ...(Object.fromEntries(byName) as Record<string, string>),
    };
  }

  /** The filters of the source's options for a partition. */
  private ownFilters(partition: string): readonly unknown[] {
    const ofPartition = filterOfPartition(this.options.partitions?.[partition]);
    return [this.options.where, ofPartition].map(resolved).map(rawAsKey);
  }

  /** The rows that match a filter, without their relations. */
  async find({ em }: SourceContext, filter: PlainFilter, options: object): Promise<object[]> {
    return untyped(em).find(this.entity, filter, { ...this.readOptions, ...OWN_ROWS, ...options });
  }

  /** The rows that match a filter, with the relations that the entity declares as eager. */
  async load(context: SourceContext, filter: PlainFilter, options: object): Promise<object[]> {
    const rows = await this.find(context, filter, options);
    rows.forEach(rememberReferences);
    const eager = this.metadata(context).relations.filter((relation) => relation.eager);
    if (eager.length > 0 && rows.length > 0) {
      const names = eager.map(({ name }) => name);
      await untyped(context.em).populate(rows, names, this.readOptions);
    }
    return rows;
  }

  async count({ em }: SourceContext, filter: PlainFilter): Promise<number> {
    return untyped(em).count(this.entity, filter, { ...this.readOptions, ...OWN_ROWS });
  }

  /**
   * Number of rows that no run has covered.
   *
   * @param filterOf The filter of the rows that a run has covered in a partition; `undefined` for all of them.
   */
  async countOutside(
    context: SourceContext,
    runs: readonly SourceCoverage[],
    filterOf: (bounds: JsonValue, run: SourceCoverage) => PlainFilter | undefined,
  ): Promise<number> {
    let outside = 0;
    for (const name of this.partitions) {
      const covered = runs.flatMap((run) =>
        run.partitions
          .filter((partition) => partition.name === name && partition.bounds !== null)
          .map(({ bounds }) => filterOf(bounds, run)),
      );
      if (covered.includes(undefined)) continue;
      const all = await this.count(context, this.filter(name));
      const filter = this.filter(name, { $or: covered });
      outside += covered.length === 0 ? all : all - (await this.count(context, filter));
    }
    return Math.max(0, outside);
  }

  /** Number of rows that match `where` now; `null` without a `where`, because then every row matches. */
  async countLeft(context: SourceContext): Promise<number | null> {
    if (this.options.where === undefined) return null;
    const counts = this.partitions.map((partition) => this.count(context, this.filter(partition)));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** @throws BackfillSourceError if MikroORM does not know the entity or the partitions are invalid. */
  check(context: SourceContext): EntityMetadata {
    const meta = this.metadata(context);
    const names = this.partitions;
    if (names.length === 0 || (this.options.partitions && names.includes(''))) {
      throw this.error(context, {
        field: 'partitions',
        expected: 'at least one name, none of them empty',
        received: names.length === 0 ? 'none' : 'an empty name',
        remedy: `Name each partition in ${this.factory}(${this.entityName}, { partitions: { … } }), or remove the option.`,
      });
    }
    return meta;
  }

  /** @throws BackfillSourceError if the source no longer has a partition that the run was started with. */
  checkPartition(context: Pick<SourceContext, 'backfill'>, partition: string): void {
    if (this.partitions.includes(partition)) return;
    throw this.error(context, {
      field: 'partitions',
      expected: `one of ${this.partitions.map(describeValue).join(', ')}`,
      received: describeValue(partition),
      remedy:
        'The run was started with other partitions: restore them, or cancel the run and start a new one.',
    });
  }

  /**
   * Ensures that a run continues in the order in which it was started: any other order would skip rows.
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
      remedy: 'Restore that order until the run has ended, or cancel the run and start a new one.',
    });
  }

  table(em: EntityManager): SourceTable {
    const meta = this.metadata({ em, backfill: 'unknown' });
    return { schema: schemaOf(em, meta), name: meta.tableName };
  }

  /** @throws BackfillSourceError if MikroORM does not know the entity. */
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
          remedy: `Add ${this.entityName} to the \`entities\` of the MikroORM configuration that this backfill uses.`,
        },
        { cause },
      );
    }
  }

  /** An error that names the backfill and the entity. */
  error(
    { backfill }: Pick<SourceContext, 'backfill'>,
    problem: Omit<BackfillSourceProblem, 'backfill' | 'entity'>,
    options?: ErrorOptions,
  ): BackfillSourceError {
    return new BackfillSourceError({ backfill, entity: this.entityName, ...problem }, options);
  }

  /** Reads go to the primary: a replica that lags behind would hide rows. */
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

/** The part of a walk that describes a partition. */
export function partitionPart(name: string): string {
  return `partition ${name}`;
}

/**
 * What the bounds tell about the walk of a run that has no description of it.
 *
 * @param orderOf Reads the order from bounds that are not null; `null`: planning compares it.
 */
export function walkOfBounds(
  partitions: readonly SourcePartition[],
  orderOf: (bounds: JsonValue) => string | null,
): Record<string, string | null> {
  const found = partitions.find(({ bounds }) => bounds !== null);
  const names = partitions.map(({ name }) => name).filter((name) => name !== '');
  return {
    ...(found ? { order: orderOf(found.bounds) } : {}),
    partitions: names.length > 0 ? 'by name' : 'none',
    ...Object.fromEntries(names.map((name) => [partitionPart(name), null])),
  };
}

function resolved(filter: unknown): unknown {
  return typeof filter === 'function' ? (filter as () => unknown)() : filter;
}

/** MikroORM combines a raw fragment with other conditions only where it is the key of an object. */
function rawAsKey(filter: unknown): unknown {
  return filter instanceof RawQueryFragment ? { [filter as unknown as symbol]: [] } : filter;
}

function untyped(em: EntityManager): UntypedEntityManager {
  return em;
}
