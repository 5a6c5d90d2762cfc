import { startRedisCluster } from '../../support/services/redis-cluster.js';
import { ClusterChanges } from '../support/cluster-changes.js';
import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();
const options = { keyPrefix: 'backfill' };
const KEY = '{backfill}:active';

async function run(during: (changes: ClusterChanges) => Promise<void>): Promise<void> {
  const cluster = await bench.keep(startRedisCluster({ masters: 3, replicas: 1 }));
  const changes = new ClusterChanges(cluster);
  try {
    const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    await bench.run({ redis: { cluster: nodes }, options, during: () => during(changes) });
  } finally {
    changes.close();
  }
}

environment('Redis Cluster, a failover', () => run((changes) => changes.failover(KEY)));

environment('Redis Cluster, a resharding', () => run((changes) => changes.reshard(KEY)));
