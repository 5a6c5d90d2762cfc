import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { answersWith, type OwnServer, startOwnServer } from './own-server.js';
import { redisBinary } from './redis-binary.js';
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
}

/** After a restart it has its data where it was started with `appendonly`. */
export type RedisServer = OwnServer;

/** Starts a Redis of its own, whatever `REDIS_URL` says. It ends with this process at the latest. */
export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return startOnFreePort(() => start(options));
}

async function start(options: RedisOptions): Promise<RedisServer> {
  const { path: binary, libraries } = await redisBinary();
  const folder = createGuardedFolder('redis', 'KILL', {});
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const settings: Record<string, string | number> = {
      bind: host,
      port,
      dir: folder.path,
      save: '',
      databases: options.databases ?? 256,
      appendonly: options.appendonly ? 'yes' : 'no',
      appendfsync: options.appendfsync ?? 'always',
      'maxmemory-policy': options.maxmemoryPolicy ?? 'noeviction',
      ...(options.maxmemory ? { maxmemory: options.maxmemory } : {}),
      ...options.settings,
    };
    return await startOwnServer(
      folder,
      {
        name: 'Redis',
        binary,
        args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]),
        env: libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env,
        isReady: () => answersWith({ host, port }, /^\+PONG/, 'PING\r\n'),
      },
      { url: `redis://${host}:${port}`, host, port },
    );
  } catch (error) {
    await folder.release();
    throw error;
  }
}
