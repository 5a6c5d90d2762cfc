import type { RedisOptions as ClientOptions } from 'ioredis';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { type OwnServer, startOwnServer } from './own-server.js';
import { accessBy, answersPing } from './redis-access.js';
import { environmentOf, redisBinary, redisOfRelease, type RedisRelease } from './redis-binary.js';
import { startOnFreePort } from './server-process.js';

export interface RedisOptions {
  /** Whether every write goes to a log that a restart replays. @default false */
  appendonly?: boolean;
  /** @default 'always', so that what was acknowledged survives kill() */
  appendfsync?: 'always' | 'everysec' | 'no';
  /** As Redis writes it: `64mb`. @default no limit */
  maxmemory?: string;
  /** @default 'noeviction' */
  maxmemoryPolicy?: string;
  /** How many logical databases there are. @default 256 */
  databases?: number;
  /** More of `redis.conf`. */
  settings?: Record<string, string | number>;
  /** @default what the machine has, else what its release of Debian has */
  release?: RedisRelease;
  /** Whether it can be reached by TLS only, by a socket of the file system only, or by plain TCP. @default 'tcp' */
  access?: 'tcp' | 'tls' | 'socket';
}

/** After a restart it has its data where it was started with `appendonly`. */
export interface RedisServer extends OwnServer {
  /** How a client reaches it; a password comes beside. */
  readonly connection: ClientOptions;
}

/** Starts a Redis of its own, whatever `REDIS_URL` says. It ends with this process at the latest. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return startOnFreePort(() => start(options));
}

async function start(options: RedisOptions): Promise<RedisServer> {
  const binary = await (options.release ? redisOfRelease(options.release) : redisBinary());
  const { path, libraries, loader } = binary;
  const folder = createGuardedFolder('redis', 'KILL', {});
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const access = await accessBy[options.access ?? 'tcp']({ host, port, folder: folder.path });
    const settings: Record<string, string | number> = {
      bind: host,
      ...access.settings,
      dir: folder.path,
      save: '',
      databases: options.databases ?? 256,
      appendonly: options.appendonly ? 'yes' : 'no',
      appendfsync: options.appendfsync ?? 'always',
      'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
      ...(options.maxmemory ? { maxmemory: options.maxmemory } : {}),
      ...options.settings,
    };
    const words = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
    const server = await startOwnServer(
      folder,
      {
        name: 'Redis',
        binary: loader ?? path,
        args: loader ? ['--library-path', libraries ?? '', path, ...words] : words,
        env: environmentOf(binary),
        isReady: () => answersPing(access.connection),
      },
      { url: `redis://${host}:${port}`, host, port },
    );
    return Object.assign(server, { connection: access.connection });
  } catch (error) {
    await folder.release();
    throw error;
  }
}
