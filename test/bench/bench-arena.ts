import { Redis } from 'ioredis';
import { Client } from 'pg';
import { RemoteProcess } from '../support/processes/index.js';
import {
  startPostgres,
  startRedis,
  type PostgresOptions,
  type PostgresServer,
  type RedisServer,
} from '../support/services/index.js';
import type { BenchPlan } from './bench-plan.js';

/** The servers of a benchmark and its processes. Servers of its own, so that nobody else is measured. */
export class BenchArena {
  private readonly processes: RemoteProcess[] = [];
  private prefixes = 0;

  private constructor(
    readonly smoke: boolean,
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
    readonly client: Redis,
    private readonly build: URL | undefined,
  ) {}

  /** @param build folder where the library of the processes is installed; default: `dist` */
  static async open(
    smoke: boolean,
    settings: PostgresOptions['settings'] = {},
    build?: URL,
  ): Promise<BenchArena> {
    const [postgres, redis] = await Promise.all([
      startPostgres({ settings: { shared_buffers: '512MB', max_wal_size: '8GB', ...settings } }),
      startRedis(),
    ]);
    return new BenchArena(smoke, postgres, redis, new Redis(redis.url), build);
  }

  /** The full size, or the tiny one that only shows that the benchmark works. */
  size(full: number, tiny: number): number {
    return this.smoke ? tiny : full;
  }

  /** A prefix of its own for each fleet, so that none finds runs of another. */
  keyPrefix(): string {
    return `bench${this.prefixes++}`;
  }

  /** Starts a process, with further options of node, and waits until it is ready. */
  async fork(
    plan: Omit<BenchPlan, 'databaseUrl' | 'redisUrl'>,
    execArgv: readonly string[] = [],
  ): Promise<RemoteProcess> {
    const whole: BenchPlan = { ...plan, databaseUrl: this.postgres.url, redisUrl: this.redis.url };
    const child = new RemoteProcess({
      module: new URL('./child.ts', import.meta.url),
      execArgv: [...process.execArgv, ...execArgv],
      env: { BENCH: JSON.stringify(whole), ...(this.build && { BACKFILL_BUILD: this.build.href }) },
    });
    this.processes.push(child);
    await child.ready;
    return child;
  }

  /** Ends processes by SIGTERM, as a deployment does. */
  async end(...children: readonly RemoteProcess[]): Promise<void> {
    await Promise.all(children.map((child) => child.stop()));
  }

  async sql<Row = Record<string, unknown>>(statement: string): Promise<Row[]> {
    const client = new Client({ connectionString: this.postgres.url });
    await client.connect();
    try {
      return (await client.query(statement)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  async redisBytes(): Promise<number> {
    return Number(/^used_memory:(\d+)/m.exec(await this.client.info('memory'))?.[1] ?? Number.NaN);
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.filter(({ gone }) => !gone).map((child) => child.kill()));
    this.client.disconnect();
    await Promise.all([this.postgres.stop(), this.redis.stop()]);
  }
}
