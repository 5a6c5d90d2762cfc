import type { FilterQuery, FindOptions } from '@mikro-orm/core';

/**
 * A MikroORM filter, or a function that returns one. The function must return an equal filter at every call,
 * in every process. Use a function for filters with a `raw()` fragment: MikroORM 6 allows each fragment to be
 * used only once.
 *
 * @publicApi
 */
export type SourceFilter<Entity extends object> = FilterQuery<Entity> | (() => FilterQuery<Entity>);

/**
 * A partition in a database of its own.
 *
 * @publicApi
 */
export interface DatabasePartition<Entity extends object> {
  /** `contextName` of the `MikroOrmModule.forRoot` whose database has its rows. */
  readonly contextName: string;
  /** Only matching rows of that database, combined with `where` of the source. Default: all of them. */
  readonly where?: SourceFilter<Entity>;
}

/**
 * Which rows of the table `idRange` and `keyset` read.
 *
 * @publicApi
 */
export interface SourceScopeOptions<Entity extends object> {
  /**
   * Only matching rows are processed. Rows may stop matching while the run processes them: that shifts no
   * other range. Default: every row.
   *
   * A process whose `where` differs from that of a run does not work on the run. Times that are not a whole minute are
   * not compared, so that `{ createdAt: { $lt: new Date() } }` may be computed when the app starts; it means slightly
   * other rows in each process.
   */
  readonly where?: SourceFilter<Entity>;
  /**
   * Shards or tenants, each planned with bounds and a cursor of its own: a name and a filter, combined with
   * `where`. A row that matches two filters is processed twice. Default: no partitions.
   *
   * A partition that a deploy adds is part of the next run; one that it removes or changes stops the run.
   *
   * Or the `contextName` of a database, with a filter as `where`: then each partition is a backfill of its own, with the name
   * of the backfill, a dot, and that of the partition: `archive.eu`. It has a run, a config, a pace, a state, throttles and a
   * budget of its own, and an outage of its database holds it alone. A partition without a context among them is in the
   * database of the backfill. Needs a source that depends on no parameters. A filter of a property that is named `contextName`
   * is written as a function.
   *
   * @example
   * ```ts
   * { eu: { region: 'eu' }, us: { region: 'us' } }
   * ```
   * @example
   * ```ts
   * { eu: { contextName: 'eu' }, us: { contextName: 'us', where: { archived: false } } }
   * ```
   */
  readonly partitions?: Readonly<Record<string, SourceFilter<Entity> | DatabasePartition<Entity>>>;
  /**
   * Options of the entity's MikroORM filters (`@Filter`), as for `em.find`: parameters by filter name, or
   * `false` to disable all of them. Default: the filters that the entity enables by default, for example to
   * exclude soft-deleted rows.
   *
   * Unlike `em.find`, a row is not excluded because a filter of a related entity excludes its relation, unless
   * `where` compares that relation. A range handler that passes `range.where` to `em.find` must pass this option
   * too, and `populate: false` where a related entity has a filter.
   */
  readonly filters?: FindOptions<Entity>['filters'];
}
