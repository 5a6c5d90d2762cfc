import { Queue } from 'bullmq';

/** Hooks and `then`, which Nest looks for on everything that it provides. A queue has none of them. */
const ASKED_BY_NEST: ReadonlySet<PropertyKey> = new Set([
  'then',
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);

/**
 * A queue that is created on first use: most backfills of an app are not running, and each queue listens to the connection
 * and writes a key to Redis.
 *
 * @param create answers the same queue each time
 */
export function lazyQueue<Data>(create: () => Queue<Data>): Queue<Data> {
  return new Proxy(Object.create(Queue.prototype) as Queue<Data>, {
    get: (_, property) =>
      ASKED_BY_NEST.has(property) ? undefined : (Reflect.get(create(), property) as unknown),
    set: (_, property, value) => Reflect.set(create(), property, value),
    has: (_, property) => property in create(),
  });
}
