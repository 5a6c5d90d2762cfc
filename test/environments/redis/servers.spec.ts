import { Redis } from 'ioredis';
import { startRedis, type RedisOptions } from '../../support/services/index.js';
import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();

/** Runs the scenario on a Redis of its own. */
async function run(options: RedisOptions, version?: RegExp): Promise<void> {
  const { connection } = await bench.keep(startRedis(options));
  const client = new Redis(connection);
  try {
    expect(await client.info('server')).toMatch(version ?? /redis_version/);
    await bench.run({ redis: { connection } });
  } finally {
    client.disconnect();
  }
}

environment('Redis 6.0', () =>
  run({ release: { server: 'redis-server', debian: 'bullseye' } }, /redis_version:6\.0\./),
);

environment('Redis 8', () =>
  run({ release: { server: 'redis-server', debian: 'trixie' } }, /redis_version:8\./),
);

environment('Valkey 8', () =>
  run({ release: { server: 'valkey-server', debian: 'trixie' } }, /valkey_version:8\./),
);
