import { Redis } from 'ioredis';
import { eventually } from '../../support/apps/index.js';
import { masterPort, SENTINEL_MASTER, startRedisSentinels } from '../../support/services/redis-sentinel.js';
import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();

environment('Redis Sentinel', async () => {
  const { sentinels } = await bench.keep(startRedisSentinels());
  const places = sentinels.map(({ host, port }) => ({ host, port }));
  const clients = places.map((place) => new Redis(place));
  const [sentinel] = clients as [Redis];
  const whole = (text: string) => /num-other-sentinels,2,/.test(text) && /num-slaves,2,/.test(text);
  try {
    for (const client of clients) {
      await eventually(
        'the sentinels to know each other and the replicas',
        async () => String(await client.call('SENTINEL', 'MASTER', SENTINEL_MASTER)),
        whole,
      );
    }
    const before = await masterPort(sentinel);
    await bench.run({
      redis: { connection: { sentinels: places, name: SENTINEL_MASTER } },
      during: async () => {
        await sentinel.call('SENTINEL', 'FAILOVER', SENTINEL_MASTER);
        await eventually(
          'another master, which all sentinels know',
          () => Promise.all(clients.map(masterPort)),
          (ports) => new Set(ports).size === 1 && ports[0] !== before,
        );
      },
    });
  } finally {
    clients.forEach((client) => client.disconnect());
  }
});
