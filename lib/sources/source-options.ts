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
   * @example
   * ```ts
   * { eu: { region: 'eu' }, us: { region: 'us' } }
   * ```
   */
  readonly partitions?: Readonly<Record<string, SourceFilter<Entity>>>;
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
