import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { serviceUrl } from './environment.js';
import { expectNoConnections, onFileFinished } from './release.js';

const CLAIM = 'nestjs-backfill:test:claim';

export interface TestRedis {
  readonly url: string;
  /** Goes to `BullModule.forRoot({ connection })`. */
  readonly connection: { host: string; port: number; db: number; username?: string; password?: string };
  /** Differs from file to file, for keys and for channels, which know no logical database. */
  readonly prefix: string;
  /** Reads and writes beside the app. This connection does not count as a leak. */
  readonly client: Redis;
}

/**
 * Claims a logical database, empty at first and emptied when the file has finished. A connection to it that
 * is left open then fails the file.
 */
export async function createTestRedis(): Promise<TestRedis> {
  const url = serviceUrl('REDIS_URL');
  const claims = new Redis(url.href);
  const db = await claim(claims);
  url.pathname = `/${db}`;
  const client = new Redis(url.href);
  await client.flushdb();
  const own = `id=${await client.client('ID')} `;

  onFileFinished(async () => {
    try {
      await expectNoConnections(`Redis database ${db}`, async () => {
        const list = String(await client.client('LIST')).split('\n');
        return list.filter((line) => line.includes(` db=${db} `) && !line.startsWith(own));
      });
    } finally {
      await client.flushdb();
      await claims.del(`${CLAIM}:${db}`);
      await Promise.all([client.quit(), claims.quit()]);
    }
  });
  return {
    url: url.href,
    connection: {
      host: url.hostname,
      port: Number(url.port || 6379),
      db,
      ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
      ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    },
    prefix: `test-${randomBytes(4).toString('hex')}`,
    client,
  };
}

/** Files run side by side, so each takes a database that no other holds. 0 holds the claims. */
async function claim(redis: Redis): Promise<number> {
  const [, databases] = (await redis.config('GET', 'databases')) as [string, string];
  for (let db = 1; db < Number(databases); db++) {
    if (await redis.set(`${CLAIM}:${db}`, process.pid, 'EX', 3600, 'NX')) {
      return db;
    }
  }
  throw new Error(`Expected a free logical database in Redis, got ${databases} taken ones`);
}
