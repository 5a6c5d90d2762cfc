import { Redis } from 'ioredis';
import type { Cluster, RedisOptions } from 'ioredis';

/**
 * Workaround for ioredis 6.0.0: a connection that is disconnected while it waits to reconnect emits no
 * `end`, and its pending commands never settle, so closing a BullMQ worker during an outage of Redis waits forever. See
 * https://github.com/redis/ioredis/pull/2169 and https://github.com/taskforcesh/bullmq/issues/4656.
 *
 * The connection, and every duplicate of it, connects once more in that case: whatever comes of it, ioredis then emits
 * `end`. `ensure-end-event.spec.ts` fails once the workaround is no longer needed.
 */
export function ensureEndEvent<Client extends Redis | Cluster>(client: Client): Client {
  if (!(client instanceof Redis)) {
    return client;
  }
  const disconnect = client.disconnect.bind(client);
  const duplicate = client.duplicate.bind(client);
  client.disconnect = (reconnect = false) => {
    const isWaiting = client.status === 'reconnecting' && !reconnect;
    disconnect(reconnect);
    if (isWaiting) {
      client.connect().then(
        () => disconnect(),
        () => undefined,
      );
    }
  };
  client.duplicate = (options?: Partial<RedisOptions>) => ensureEndEvent(duplicate(options));
  return client;
}
