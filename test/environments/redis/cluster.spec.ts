import { startRedisCluster } from '../../support/services/redis-cluster.js';
import { ClusterChanges } from '../support/cluster-changes.js';
import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();
const KEY = '{backfill}:active';

environment('Redis Cluster', async () => {
  const cluster = await bench.keep(startRedisCluster({ masters: 3, replicas: 1 }));
  const changes = new ClusterChanges(cluster);
  try {
    await bench.run({
      redis: { cluster: cluster.nodes.map(({ host, port }) => ({ host, port })) },
      options: { keyPrefix: 'backfill' },
      during: async () => {
        await changes.reshard(KEY);
        await changes.failover(KEY);
      },
    });
  } finally {
    changes.close();
  }
});
