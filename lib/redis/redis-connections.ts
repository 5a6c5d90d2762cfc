import { Cluster, Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { ensureEndEvent } from './ensure-end-event.js';
import type { RedisClient } from './lua-script.js';

/** Token of the connection for commands, which stores and queues share. */
export const REDIS_CLIENT = Symbol('nestjs-backfill:redis-client');
/** Token of the connection for blocking reads of the event stream. */
export const REDIS_READER = Symbol('nestjs-backfill:redis-reader');

/** A wait for Redis is never given up: a run outlives an outage of any length. */
const PATIENT: RedisOptions = { maxRetriesPerRequest: null };

/**
 * The connections that this library makes, from those of the app, and closes itself: one for commands,
 * shared by tracker and queues, and one that waits for events.
 */
export class RedisConnections {
  readonly client: RedisClient;
  readonly reader: RedisClient;

  constructor(connection: unknown, origin: string, onError: (error: Error) => void) {
    this.client = ensureEndEvent(connect(connection, origin));
    this.reader = ensureEndEvent(connect(connection, origin));
    for (const client of [this.client, this.reader]) {
      client.on('error', onError);
    }
  }

  close(): void {
    for (const client of [this.client, this.reader]) {
      // To end what has ended already would keep the process alive until its timeout.
      if (client.status !== 'end') {
        client.disconnect();
      }
    }
  }
}

function connect(connection: unknown, origin: string): RedisClient {
  if (typeof connection === 'string') {
    return new Redis(connection, PATIENT);
  }
  if (connection instanceof Cluster || isClusterLike(connection)) {
    return connection.duplicate([], { redisOptions: { ...connection.options.redisOptions, ...PATIENT } });
  }
  if (connection instanceof Redis || isRedisLike(connection)) {
    return connection.duplicate(PATIENT);
  }
  if (typeof connection === 'object' && connection !== null && !('sendCommand' in connection)) {
    const { url, ...options } = connection as RedisOptions & { url?: string };
    const patient = { ...options, ...PATIENT };
    return url === undefined ? new Redis(patient) : new Redis(url, patient);
  }
  throw new BackfillDefinitionError(
    `Expected ${origin} to be a Redis URL, options of ioredis, or a client of ioredis, got ` +
      `${typeof connection === 'object' ? 'a client of another driver' : typeof connection}. ` +
      `Give one to BackfillModule: BackfillModule.forRoot({ redis: { host: '...', port: 6379 } }).`,
  );
}

// A client may come from another copy of ioredis than ours.
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
