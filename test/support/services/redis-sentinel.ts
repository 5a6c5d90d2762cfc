import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { type OwnServer, startOwnServer } from './own-server.js';
import { answersPing } from './redis-access.js';
import { environmentOf, redisBinary } from './redis-binary.js';
import { startRedis, type RedisServer } from './redis.js';
import { startOnFreePort } from './server-process.js';

export const SENTINEL_MASTER = 'main';

export interface RedisSentinels {
  readonly sentinels: readonly OwnServer[];
  readonly servers: readonly RedisServer[];
  stop(): Promise<void>;
}

/** Starts a master with two replicas and three sentinels that watch them. They end with this process at the latest. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const all: OwnServer[] = [];
  const stop = async () => {
    await Promise.all(all.map((server) => server.stop()));
  };
  const start = async <T extends OwnServer>(starting: Promise<T>): Promise<T> => {
    const server = await starting;
    all.push(server);
    return server;
  };
  try {
    const master = await start(startRedis());
    const settings = { replicaof: `${master.host} ${master.port}` };
    const replicas = await Promise.all([0, 1].map(() => start(startRedis({ settings }))));
    const sentinels = await Promise.all([0, 1, 2].map(() => start(startSentinel(master))));
    return { sentinels, servers: [master, ...replicas], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startSentinel(master: RedisServer): Promise<OwnServer> {
  return startOnFreePort(async () => {
    const binary = await redisBinary();
    const folder = createGuardedFolder('sentinel', 'KILL', {});
    try {
      const [host, port] = ['127.0.0.1', await freePort()];
      const file = join(folder.path, 'sentinel.conf');
      const lines = [
        `bind ${host}`,
        `port ${port}`,
        `dir ${folder.path}`,
        `sentinel monitor ${SENTINEL_MASTER} ${master.host} ${master.port} 2`,
        `sentinel down-after-milliseconds ${SENTINEL_MASTER} 3000`,
        `sentinel failover-timeout ${SENTINEL_MASTER} 10000`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return await startOwnServer(
        folder,
        {
          name: 'Redis Sentinel',
          binary: binary.path,
          args: [file, '--sentinel'],
          env: environmentOf(binary),
          isReady: () => answersPing({ host, port }),
        },
        { url: `redis://${host}:${port}`, host, port },
      );
    } catch (error) {
      await folder.release();
      throw error;
    }
  });
}

/** The port of the master, as a sentinel knows it. */
export async function masterPort(sentinel: Redis): Promise<number> {
  const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_MASTER)) as string[];
  return Number(port);
}
