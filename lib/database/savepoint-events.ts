import type { EntityManager, EventSubscriber } from '@mikro-orm/core';

/** What MikroORM 6 gives its connections to announce a transaction with. */
interface EventBroadcaster {
  readonly em: EntityManager;
}

/** The methods of a connection of MikroORM 6 that begin and end transactions; with `ctx` around it, one is a savepoint. */
interface KnexConnection {
  getKnex?(): unknown;
  begin(
    options?: { readonly ctx?: object; readonly eventBroadcaster?: EventBroadcaster },
    ...rest: unknown[]
  ): Promise<object>;
  commit(ctx: object, eventBroadcaster?: EventBroadcaster, ...rest: unknown[]): Promise<void>;
  rollback(ctx: object, eventBroadcaster?: EventBroadcaster, ...rest: unknown[]): Promise<void>;
}

/** The subscribers that are told of the savepoints of a connection. */
const subscribersOf = new WeakMap<object, Set<EventSubscriber>>();

/**
 * Has a subscriber told of savepoints on MikroORM 6, too, which announces transactions only. Other subscribers hear of them
 * as before; MikroORM 7 announces both.
 */
export function announceSavepoints(em: EntityManager, subscriber: EventSubscriber): void {
  const connection = em.getConnection('write') as unknown as KnexConnection;
  if (typeof connection.getKnex !== 'function') {
    return;
  }
  const subscribers = subscribersOf.get(connection) ?? watch(connection);
  subscribers.add(subscriber);
}

function watch(connection: KnexConnection): Set<EventSubscriber> {
  const subscribers = new Set<EventSubscriber>();
  subscribersOf.set(connection, subscribers);
  const savepoints = new WeakSet<object>();
  const tell = async (
    event: keyof EventSubscriber & `${string}Transaction${string}`,
    em: EntityManager | undefined,
    transaction: object,
  ): Promise<void> => {
    const listening = em?.getEventManager().getSubscribers();
    for (const subscriber of subscribers) {
      if (em && listening?.has(subscriber)) {
        await subscriber[event]?.({ em, transaction });
      }
    }
  };
  const begin = connection.begin.bind(connection);
  const commit = connection.commit.bind(connection);
  const rollback = connection.rollback.bind(connection);
  Object.assign(connection, {
    begin: async (options: Parameters<KnexConnection['begin']>[0] = {}, ...rest: unknown[]) => {
      const { ctx, eventBroadcaster } = options;
      if (!ctx) {
        return begin(options, ...rest);
      }
      await tell('beforeTransactionStart', eventBroadcaster?.em, ctx);
      const savepoint = await begin(options, ...rest);
      savepoints.add(savepoint);
      await tell('afterTransactionStart', eventBroadcaster?.em, savepoint);
      return savepoint;
    },
    commit: async (ctx: object, broadcaster?: EventBroadcaster, ...rest: unknown[]) => {
      await commit(ctx, broadcaster, ...rest);
      if (savepoints.has(ctx)) {
        await tell('afterTransactionCommit', broadcaster?.em, ctx);
      }
    },
    rollback: async (ctx: object, broadcaster?: EventBroadcaster, ...rest: unknown[]) => {
      await rollback(ctx, broadcaster, ...rest);
      if (savepoints.has(ctx)) {
        await tell('afterTransactionRollback', broadcaster?.em, ctx);
      }
    },
  });
  return subscribers;
}
