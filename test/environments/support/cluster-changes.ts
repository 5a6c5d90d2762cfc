import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { eventually } from '../../support/apps/index.js';
import type { ClusterNode, RedisCluster } from '../../support/services/redis-cluster.js';

/** Keys that are moved at once: few, so that the apps go on while the slot is on two nodes. */
const KEYS_AT_ONCE = 10;

interface Member {
  readonly id: string;
  readonly node: ClusterNode;
  readonly isMaster: boolean;
  readonly masterId: string;
  readonly slots: readonly string[];
}

/** What an operator does to a cluster while apps use it. */
export class ClusterChanges {
  private readonly clients: Map<number, Redis>;

  constructor(private readonly cluster: RedisCluster) {
    this.clients = new Map(
      cluster.nodes.map((node) => {
        const client = new Redis(node.server.connection);
        client.on('error', () => {});
        return [node.port, client];
      }),
    );
  }

  close(): void {
    this.clients.forEach((client) => client.disconnect());
  }

  /** The replies of all nodes that live. */
  onAll(command: string, ...words: readonly string[]): Promise<unknown[]> {
    const alive = this.cluster.nodes.filter(({ server }) => server.running);
    return Promise.all(alive.map(({ port }) => (this.clients.get(port) as Redis).call(command, ...words)));
  }

  /** Moves the slot of a key to another master, in steps that outlast the retries of ioredis. */
  async reshard(key: string): Promise<void> {
    const slot = await this.slotOf(key);
    const { holder, masters } = await this.membersOf(slot);
    const target = masters.find(({ id }) => id !== holder.id) as Member;
    const [from, to] = [this.clientOf(holder), this.clientOf(target)];
    await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', holder.id);
    await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target.id);
    for (;;) {
      const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE)) as string[];
      if (keys.length === 0) {
        break;
      }
      const { host, port } = target.node;
      await from.call('MIGRATE', host, port, '', 0, 60_000, 'KEYS', ...keys);
      await sleep(300);
    }
    for (const { node } of [target, ...masters]) {
      await this.clients.get(node.port)?.call('CLUSTER', 'SETSLOT', slot, 'NODE', target.id);
    }
    await this.known(slot, target.id);
  }

  /** Kills the master of the slot of a key, and has its replica take over at once. */
  async failover(key: string): Promise<void> {
    const slot = await this.slotOf(key);
    const { holder, members } = await this.membersOf(slot);
    const replica = members.find(({ masterId }) => masterId === holder.id) as Member;
    this.clientOf(holder).disconnect();
    this.clients.delete(holder.node.port);
    await holder.node.server.kill();
    await this.clientOf(replica).call('CLUSTER', 'FAILOVER', 'TAKEOVER');
    await this.known(slot, replica.id, holder.id);
  }

  private async slotOf(key: string): Promise<number> {
    return Number(await this.anyClient().call('CLUSTER', 'KEYSLOT', key));
  }

  /** Waits until all nodes that live agree on who has the slot. */
  private async known(slot: number, id: string, deadId?: string): Promise<void> {
    const members = await this.members(this.anyClient());
    await eventually(
      `all nodes to know the new master of slot ${slot}`,
      () =>
        Promise.all(
          members
            .filter((member) => member.id !== deadId)
            .map(async (member) => (await this.membersOf(slot, this.clientOf(member))).holder.id),
        ),
      (holders) => holders.every((holder) => holder === id),
    );
  }

  private async membersOf(slot: number, client = this.anyClient()) {
    const members = await this.members(client);
    const masters = members.filter(({ isMaster }) => isMaster);
    const holder = masters.find(({ slots }) => slots.some((range) => holds(range, slot))) as Member;
    return { members, masters, holder };
  }

  private async members(client: Redis): Promise<Member[]> {
    const lines = String(await client.call('CLUSTER', 'NODES'))
      .trim()
      .split('\n');
    return lines.map((line) => {
      const [id = '', address = '', flags = '', masterId = '', , , , , ...slots] = line.split(' ');
      const port = Number(/:(\d+)@/.exec(address)?.[1]);
      const node = this.cluster.nodes.find((it) => it.port === port) as ClusterNode;
      return { id, node, isMaster: flags.includes('master') && !flags.includes('fail'), masterId, slots };
    });
  }

  private clientOf({ node }: Member): Redis {
    return this.clients.get(node.port) as Redis;
  }

  private anyClient(): Redis {
    const alive = this.cluster.nodes.find(({ server }) => server.running) as ClusterNode;
    return this.clients.get(alive.port) as Redis;
  }
}

/** Whether a word of `CLUSTER NODES`, such as `0-5460`, has the slot. Those that are being moved are in brackets. */
function holds(range: string, slot: number): boolean {
  const [first, last = first] = range.split('-').map(Number);
  return first !== undefined && last !== undefined && first <= slot && slot <= last;
}
