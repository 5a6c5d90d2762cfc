import { Redis } from 'ioredis';
import { startRedis } from '../../support/services/index.js';
import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();

environment('Redis with a password', async () => {
  const { connection } = await bench.keep(startRedis({ settings: { requirepass: 'a secret' } }));
  await bench.run({ redis: { connection: { ...connection, password: 'a secret' } } });
});

environment('Redis by TLS', async () => {
  const { connection } = await bench.keep(startRedis({ access: 'tls' }));
  await bench.run({ redis: { connection } });
});

environment('Redis by a unix socket', async () => {
  const { connection } = await bench.keep(startRedis({ access: 'socket' }));
  await bench.run({ redis: { connection } });
});

environment('Redis with db 3 and a prefix of BullMQ', async () => {
  const { connection } = await bench.keep(startRedis());
  const clients = [0, 3].map((db) => new Redis({ ...connection, db }));
  const [first, third] = clients as [Redis, Redis];
  try {
    await bench.run({
      redis: { connection: { ...connection, db: 3 } },
      bull: { prefix: 'jobs' },
      options: { keyPrefix: 'jobs:backfills' },
    });
    expect(await first.dbsize()).toBe(0);
    const keys = await third.keys('*');
    expect(keys.filter((key) => !key.startsWith('{jobs:backfills}:'))).toEqual([]);
    expect(keys).not.toEqual([]);
  } finally {
    clients.forEach((client) => client.disconnect());
  }
});
