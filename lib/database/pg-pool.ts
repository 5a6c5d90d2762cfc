import type { MikroORM } from '@mikro-orm/core';

/** The part of a client of `pg` that is used here. */
export interface PgClient {
  readonly host?: string;
  readonly port?: number;
  /** Both identify the session in a request to cancel its statement. */
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  /** Undefined with `pg-native`. */
  readonly connection?: { readonly stream?: { destroy(): void } };
  release?(destroy?: boolean): void;
  query?(...args: unknown[]): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
}

/** The callback of `PgPool.connect`. */
export type OnConnect = (
  error: unknown,
  client: PgClient | undefined,
  release: (destroy?: boolean) => void,
) => void;

/** The part of a pool of `pg` that is used here. */
export interface PgPool {
  /** Set once the pool is being closed. */
  readonly ending: boolean;
  readonly idleCount: number;
  readonly options?: { readonly max?: number };
  connect(): Promise<PgClient>;
  connect(callback?: OnConnect): void;
  on(event: 'connect' | 'acquire', listener: (client: PgClient) => void): unknown;
  on(event: 'release', listener: (error: unknown, client: PgClient) => void): unknown;
}

/** All clients of a pool, those that are connecting included. `pg` has only their number in its public interface. */
export function clientsOf(pool: PgPool): readonly PgClient[] {
  const clients: unknown = Reflect.get(pool, '_clients');
  return Array.isArray(clients) ? (clients as PgClient[]) : [];
}

/**
 * Calls the listener with each pool of `pg` that MikroORM 7 has or creates. Opens no connection. Other drivers, and
 * a Kysely instance or dialect of the app, have no pool of `pg` to tell of.
 *
 * @returns whether all pools will be told of
 */
export function onPgPool(orm: MikroORM, listener: (pool: PgPool) => void): boolean {
  if (!isPostgres(orm)) {
    return false;
  }
  let tellsAll = true;
  const seen = new WeakSet<object>();
  const report = (pool: unknown): void => {
    if (isPgPool(pool) && !seen.has(pool)) {
      seen.add(pool);
      listener(pool);
    }
  };
  for (const connection of connectionsOf(orm)) {
    const options: unknown = Reflect.get(connection, 'options');
    const driverOptions: unknown = isPlainObject(options) ? (options['driverOptions'] ?? {}) : null;
    if (isPlainObject(options)) {
      options['driverOptions'] = withListener(driverOptions, report);
    }
    tellsAll &&= takesListener(driverOptions);
    reportExisting(connection, report);
  }
  return tellsAll;
}

/** The connection for writing and those of replicas, which have a pool each. */
function connectionsOf(orm: MikroORM): object[] {
  const replicas: unknown = Reflect.get(orm.em.getDriver(), 'replicas');
  return [orm.em.getConnection('write'), ...(Array.isArray(replicas) ? (replicas as object[]) : [])];
}

/** By behavior, as the packages of drivers must not be imported. MikroORM 6 has the method elsewhere. */
function isPostgres(orm: MikroORM): boolean {
  const platform = orm.em.getPlatform() as { getDefaultClientUrl?(): string };
  return platform.getDefaultClientUrl?.().startsWith('postgres') === true;
}

/** Options with a listener for pools, where they are no Kysely instance and no dialect. */
function withListener(options: unknown, report: (pool: unknown) => void): unknown {
  if (typeof options === 'function') {
    return () => withListener((options as () => unknown)(), report);
  }
  if (!takesListener(options)) {
    return options;
  }
  const { onPoolCreated } = options;
  return {
    ...options,
    onPoolCreated: (pool: unknown): unknown => {
      report(pool);
      return typeof onPoolCreated === 'function' ? (onPoolCreated(pool) as unknown) : undefined;
    },
  };
}

/** Whether options are no Kysely instance and no dialect, and no function that may return one. */
function takesListener(options: unknown): options is Record<string, unknown> {
  return isPlainObject(options) && !('createDriver' in options);
}

/** Reports the pool of a connection that the app has used before. */
function reportExisting(connection: object, report: (pool: unknown) => void): void {
  const native: unknown = Reflect.get(connection, 'getNativeClient');
  if (Reflect.get(connection, 'connected') === true && typeof native === 'function') {
    void Promise.resolve(native.call(connection)).then(report, () => undefined);
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function isPgPool(value: unknown): value is PgPool {
  return (
    typeof value === 'object' &&
    value !== null &&
    'totalCount' in value &&
    typeof Reflect.get(value, 'connect') === 'function' &&
    typeof Reflect.get(value, 'on') === 'function'
  );
}
