import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import type { RedisClient } from './lua-script.js';

/**
 * Has a connection, and what is duplicated from it, tell its end whenever it is ended. ioredis does not where
 * the connection is waiting to reconnect: a worker that is closed just then would wait for ever, and so would
 * all commands that are under way.
 */
export function ensureEndEvent<Client extends RedisClient>(client: Client): Client {
  if (!(client instanceof Redis)) {
    return client;
  }
  const disconnect = client.disconnect.bind(client);
  const duplicate = client.duplicate.bind(client);
  client.disconnect = (reconnect = false) => {
    const waiting = client.status === 'reconnecting' && !reconnect;
    disconnect(reconnect);
    if (waiting) {
      // It tells the end of a connection that is being made, or was.
      client.connect().then(
        () => disconnect(),
        () => undefined,
      );
    }
  };
  client.duplicate = (options?: Partial<RedisOptions>) => ensureEndEvent(duplicate(options));
  return client;
}
