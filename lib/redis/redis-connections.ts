import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { ensureEndEvent } from './ensure-end-event.js';

/** A connection that the library created and closes. */
export type RedisClient = Redis | Cluster;

/** Token of the connection for commands, which stores and queues share. */
export const REDIS_CLIENT = Symbol('nestjs-backfill:redis-client');
/** Token of the connection for blocking reads of the event stream. */
export const REDIS_READER = Symbol('nestjs-backfill:redis-reader');

/** States of a client of ioredis without a connection, and without a first attempt under way. */
const DISCONNECTED = new Set(['close', 'reconnecting', 'end']);

/**
 * Commands wait for a reconnect however long it takes: a run survives an outage of any length. With sentinels, connections
 * to a master that is replaced end at once: it takes writes for another ten seconds, which are then lost.
 */
const WAIT_FOR_RECONNECT: RedisOptions = { maxRetriesPerRequest: null, failoverDetector: true };

/**
 * The connections of the library, created from the connection of the app: one for commands, which stores and queues
 * share, and one for blocking reads of the event stream.
 */
export class RedisConnections {
  readonly client: RedisClient;
  readonly reader: RedisClient;
  /** Both, and the duplicates for blocking commands that BullMQ makes of `client` for its workers. */
  private readonly open = new Set<RedisClient>();

  constructor(connection: unknown, origin: string, onError: (error: Error) => void) {
    this.client = ensureEndEvent(connect(connection, origin));
    this.reader = ensureEndEvent(connect(connection, origin));
    for (const client of [this.client, this.reader]) {
      client.on('error', onError);
      this.track(client);
    }
  }

  /** Whether the last attempt to connect has failed, or the connection was lost. */
  get isLost(): boolean {
    return DISCONNECTED.has(this.client.status);
  }

  /** Resolves as soon as `isLost`. */
  async lost(): Promise<void> {
    if (!this.isLost) {
      await new Promise<void>((resolve) => this.client.once('close', () => resolve()));
    }
  }

  /** Ends all connections at once. Commands that wait for Redis reject. */
  close(): void {
    for (const client of this.open) {
      // ioredis would start a timer for an ended connection, which keeps the process alive.
      if (client.status !== 'end') {
        client.disconnect();
      }
    }
  }

  /** A worker that never reached Redis does not close its connection itself. */
  private track(client: RedisClient): void {
    this.open.add(client);
    client.on('connect', () => this.open.add(client));
    client.on('end', () => this.open.delete(client));
    const duplicate = client.duplicate.bind(client) as (...args: unknown[]) => RedisClient;
    client.duplicate = ((...args: unknown[]) => {
      const copy = duplicate(...args);
      this.track(copy);
      return copy;
    }) as never;
  }
}

function connect(connection: unknown, origin: string): RedisClient {
  if (typeof connection === 'string') {
    return new Redis(connection, WAIT_FOR_RECONNECT);
  }
  if (connection instanceof Cluster || isClusterLike(connection)) {
    return connection.duplicate([], {
      redisOptions: { ...connection.options.redisOptions, ...WAIT_FOR_RECONNECT },
    });
  }
  if (connection instanceof Redis || isRedisLike(connection)) {
    return connection.duplicate(WAIT_FOR_RECONNECT);
  }
  if (typeof connection === 'object' && connection !== null && !('sendCommand' in connection)) {
    const { url, ...options } = connection as RedisOptions & { url?: string };
    const redisOptions = { ...options, ...WAIT_FOR_RECONNECT };
    return url === undefined ? new Redis(redisOptions) : new Redis(url, redisOptions);
  }
  throw new BackfillDefinitionError(
    `Expected ${origin} to be a Redis URL, options of ioredis, or a client of ioredis, got ` +
      `${typeof connection === 'object' ? 'a client of another driver' : typeof connection}. ` +
      `Pass one to BackfillModule: BackfillModule.forRoot({ redis: { host: '...', port: 6379 } }).`,
  );
}

// The client may be an instance of another copy of ioredis, so `instanceof` alone does not recognize it.
function isRedisLike(value: unknown): value is Redis {
  return isClient(value) && Reflect.get(value, 'isCluster') !== true;
}

function isClusterLike(value: unknown): value is Cluster {
  return isClient(value) && Reflect.get(value, 'isCluster') === true;
}

function isClient(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'duplicate') === 'function' &&
    typeof Reflect.get(value, 'defineCommand') === 'function'
  );
}
