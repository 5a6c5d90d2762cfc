import type { FilterQuery, FindOptions } from '@mikro-orm/core';

/**
 * A MikroORM filter, or a function that makes one: equal filters at every call, in every process. MikroORM
 * 6 allows a `raw()` fragment to be used once only, so that a filter with one has to be made anew.
 *
 * @publicApi
 */
export type SourceFilter<Entity extends object> = FilterQuery<Entity> | (() => FilterQuery<Entity>);

/**
 * Which rows of the table a source walks.
 *
 * @publicApi
 */
export interface SourceScopeOptions<Entity extends object> {
  /**
   * Only rows that match are walked. Rows that stop matching while they are worked on shift nothing.
   * Default: every row.
   */
  readonly where?: SourceFilter<Entity>;
  /**
   * Shards or tenants, each walked with bounds and a cursor of its own: a filter a name, joined with
   * `where`. A row that matches two of them is handed out twice. Default: one walk over everything.
   *
   * @example { eu: { region: 'eu' }, us: { region: 'us' } }
   */
  readonly partitions?: Readonly<Record<string, SourceFilter<Entity>>>;
  /**
   * The entity's MikroORM filters (`@Filter`), as `em.find` takes them: parameters by name, or `false` to
   * switch them off. A handler that uses `range.where` itself passes the same. Default: those that the
   * entity turns on by default, so that soft-deleted rows stay untouched.
   */
  readonly filters?: FindOptions<Entity>['filters'];
}
