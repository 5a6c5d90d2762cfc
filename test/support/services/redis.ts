import { createConnection } from 'node:net';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { redisBinary } from './redis-binary.js';
import { ServerProcess, startOnFreePort } from './server-process.js';
import type { Service } from './services.js';

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

export interface RedisServer extends Service {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  /** Ends by SIGKILL. */
  kill(): Promise<void>;
  /** Starts again on the same port, after a clean end if it still runs. Data are kept with `appendonly`. */
  restart(): Promise<void>;
  /** Freezes the server: connections stay open and nothing answers. */
  pause(): Promise<void>;
  /** Ends a {@link pause}. */
  resume(): Promise<void>;
}

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
    const server = new ServerProcess(folder, {
      name: 'Redis',
      binary,
      args: Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]),
      env: libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env,
      isReady: () => answers(host, port),
    });
    await server.start();
    return {
      url: `redis://${host}:${port}`,
      host,
      port,
      external: false,
      folder: folder.path,
      get pid() {
        return server.pid;
      },
      kill: () => server.end('SIGKILL'),
      restart: async () => {
        await server.end('SIGTERM');
        await server.start();
      },
      pause: () => server.signal('SIGSTOP'),
      resume: () => server.signal('SIGCONT'),
      stop: () => folder.release(),
    };
  } catch (error) {
    await folder.release();
    throw error;
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => settle(data.toString().startsWith('+PONG')));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
