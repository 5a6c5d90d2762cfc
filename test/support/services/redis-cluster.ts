import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { CONDITION_MS } from '../deadlines.js';
import { freePort } from './free-port.js';
import { startRedis, type RedisServer } from './redis.js';

const SLOTS = 16_384;

export interface RedisCluster {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  stop(): Promise<void>;
}

/** Starts a cluster of masters that share the slots evenly. It ends with this process at the latest. */
export async function startRedisCluster(size = 3): Promise<RedisCluster> {
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
    await join(nodes, clients);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clients.forEach((client) => client.disconnect());
  }
  return { nodes: nodes.map(({ server: { host, port } }) => ({ host, port })), stop };
}

interface Node {
  readonly server: RedisServer;
  readonly bus: number;
}

async function startNode(): Promise<Node> {
  const bus = await freePort();
  const settings = { 'cluster-enabled': 'yes', 'cluster-port': bus };
  return { bus, server: await startRedis({ databases: 1, settings }) };
}

async function join(nodes: readonly Node[], clients: readonly Redis[]): Promise<void> {
  await Promise.all(
    clients.map(async (client, i) => {
      const first = Math.floor((i * SLOTS) / clients.length);
      const next = Math.floor(((i + 1) * SLOTS) / clients.length);
      await client.call('CLUSTER', 'ADDSLOTSRANGE', first, next - 1);
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }),
  );
  for (const { server, bus } of nodes.slice(1)) {
    await clients[0]?.call('CLUSTER', 'MEET', server.host, server.port, bus);
  }
  const deadline = Date.now() + CONDITION_MS;
  while (!(await Promise.all(clients.map(isWhole(nodes.length)))).every(Boolean)) {
    if (Date.now() > deadline) {
      throw new Error(`Expected ${nodes.length} Redis nodes to meet within ${CONDITION_MS} ms`);
    }
    await sleep(50);
  }
}

function isWhole(size: number): (client: Redis) => Promise<boolean> {
  return async (client) => {
    const info = String(await client.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${size}`);
  };
}
