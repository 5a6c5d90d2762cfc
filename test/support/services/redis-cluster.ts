import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { CONDITION_MS } from '../deadlines.js';
import { freePort } from './free-port.js';
import { startRedis, type RedisServer } from './redis.js';

const SLOTS = 16_384;

export interface RedisCluster {
  readonly nodes: readonly ClusterNode[];
  stop(): Promise<void>;
}

export interface ClusterNode {
  readonly host: string;
  readonly port: number;
  readonly server: RedisServer;
}

export interface ClusterOptions {
  /** @default 3 */
  readonly masters?: number;
  /** Replicas of each master. @default 0 */
  readonly replicas?: number;
}

/** Starts a cluster of masters that share the slots evenly, then their replicas. It ends with this process at the latest. */
export async function startRedisCluster({
  masters = 3,
  replicas = 0,
}: ClusterOptions = {}): Promise<RedisCluster> {
  const size = masters * (1 + replicas);
  const started = await Promise.allSettled(Array.from({ length: size }, () => startNode()));
  const nodes = started.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
  const stop = async () => {
    await Promise.all(nodes.map(({ server }) => server.stop()));
  };
  const clients = nodes.map(({ server }) => new Redis(server.url));
  try {
    for (const it of started) {
      if (it.status === 'rejected') throw it.reason;
    }
    await join(nodes, clients, masters);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clients.forEach((client) => client.disconnect());
  }
  return { nodes: nodes.map(({ server }) => ({ host: server.host, port: server.port, server })), stop };
}

interface Node {
  readonly server: RedisServer;
  readonly bus: number;
}

async function startNode(): Promise<Node> {
  const bus = await freePort();
  const settings = { 'cluster-enabled': 'yes', 'cluster-port': bus, 'cluster-node-timeout': 5_000 };
  return { bus, server: await startRedis({ databases: 1, settings }) };
}

async function join(nodes: readonly Node[], clients: readonly Redis[], masters: number): Promise<void> {
  await Promise.all(
    clients.map(async (client, i) => {
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (i < masters) {
        const first = Math.floor((i * SLOTS) / masters);
        const next = Math.floor(((i + 1) * SLOTS) / masters);
        await client.call('CLUSTER', 'ADDSLOTSRANGE', first, next - 1);
      }
    }),
  );
  for (const { server, bus } of nodes.slice(1)) {
    await clients[0]?.call('CLUSTER', 'MEET', server.host, server.port, bus);
  }
  await until(`${nodes.length} Redis nodes to meet`, async () => {
    const infos = await Promise.all(
      clients.map(async (client) => String(await client.call('CLUSTER', 'INFO'))),
    );
    return infos.every(
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`),
    );
  });
  const ids = await Promise.all(clients.map((client) => client.call('CLUSTER', 'MYID')));
  await Promise.all(
    clients.slice(masters).map(async (client, i) => {
      await client.call('CLUSTER', 'REPLICATE', String(ids[i % masters]));
      await until('a replica to have its data', async () =>
        (await client.info('replication')).includes('master_link_status:up'),
      );
    }),
  );
}

async function until(what: string, passes: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + CONDITION_MS;
  while (!(await passes())) {
    if (Date.now() > deadline) {
      throw new Error(`Expected ${what} within ${CONDITION_MS} ms`);
    }
    await sleep(50);
  }
}
