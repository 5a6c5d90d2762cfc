import { aclRules } from '../../support/docs/index.js';
import { startRedisCluster } from '../../support/services/redis-cluster.js';
import { ClusterChanges } from '../support/cluster-changes.js';
import { createEnvironmentBench, environment } from '../support/index.js';
import { operate } from '../support/operate.js';

const bench = await createEnvironmentBench();
const KEY = '{backfill}:active';

environment('Redis Cluster', async () => {
  const cluster = await bench.keep(startRedisCluster({ masters: 3, replicas: 1 }));
  const changes = new ClusterChanges(cluster);
  try {
    const rules = await aclRules();
    await changes.onAll('ACL', 'SETUSER', ...rules.server);
    await changes.onAll('ACL', 'SETUSER', ...rules.cluster);
    await bench.run({
      redis: {
        cluster: cluster.nodes.map(({ host, port }) => ({ host, port })),
        redisOptions: { username: 'backfill', password: 'secret' },
      },
      options: { keyPrefix: 'backfill' },
      during: async ({ operator }) => {
        await operate(operator.backfills);
        await changes.reshard(KEY);
        await changes.failover(KEY);
      },
    });
    expect((await changes.onAll('ACL', 'LOG')).flat()).toEqual([]);
  } finally {
    changes.close();
  }
});
