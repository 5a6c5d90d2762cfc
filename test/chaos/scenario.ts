import { Client } from 'pg';
import {
  startPostgres,
  startRedis,
  type PostgresServer,
  type RedisOptions,
  type RedisServer,
} from '../support/services/index.js';
import { Fleet } from './fleet.js';
import { DEFAULT_PLAN, type ChildPlan } from './plan.js';
import type { Random } from './random.js';

/** What a scenario has to show at its end. */
export interface Outcome {
  /** Kills, cuts and refusals that were injected. */
  readonly faults: number;
  readonly rows: number;
  readonly atLeastOnce: boolean;
  readonly exactlyOnce: boolean;
  readonly note?: string;
}

/** One way to break a promise. It throws when it succeeds. */
export interface Scenario {
  readonly name: string;
  /** How often it runs with another seed each time; 1 where nothing is random. */
  readonly seeds?: number;
  readonly servers?: ArenaOptions;
  run(arena: Arena): Promise<Outcome>;
}

/** How the servers of a scenario are set up. */
export interface ArenaOptions {
  readonly redis?: RedisOptions;
}

/** How the table of a scenario is filled. */
export interface Fill {
  readonly rows: number;
  /** Every n-th row makes its handler throw. */
  readonly poisonEvery?: number;
  /** Ids stand so far apart. */
  readonly stride?: number;
}

/** The servers, the table and the processes of one scenario. */
export class Arena {
  private readonly closers: (() => Promise<void>)[] = [];

  private readonly fleets: Fleet[] = [];

  private constructor(
    private readonly module: URL,
    readonly random: Random,
    readonly postgres: PostgresServer,
    readonly redis: RedisServer,
  ) {}

  /** Servers of its own, so that a scenario may do to them what it likes. */
  static async open(module: URL, random: Random, options: ArenaOptions = {}): Promise<Arena> {
    const [postgres, redis] = await Promise.all([
      startPostgres({ maxConnections: 100 }),
      startRedis({ appendonly: true, ...options.redis }),
    ]);
    const arena = new Arena(module, random, postgres, redis);
    arena.closers.push(
      () => postgres.stop(),
      () => redis.stop(),
    );
    return arena;
  }

  fleet(change: Partial<ChildPlan> = {}): Fleet {
    const fleet = new Fleet(this.module, {
      ...DEFAULT_PLAN,
      databaseUrl: this.postgres.url,
      redisUrl: this.redis.url,
      keyPrefix: 'chaos',
      ...change,
    });
    this.fleets.push(fleet);
    return fleet;
  }

  async seed({ rows, poisonEvery = 0, stride = 1 }: Fill): Promise<void> {
    await this.sql(`
      DROP TABLE IF EXISTS chaos_rows;
      CREATE TABLE chaos_rows (id int PRIMARY KEY, touches int NOT NULL DEFAULT 0, poison boolean NOT NULL DEFAULT false);
      INSERT INTO chaos_rows (id, poison)
        SELECT i * ${stride}, ${poisonEvery} > 0 AND i % greatest(${poisonEvery}, 1) = 0 FROM generate_series(1, ${rows}) i;
    `);
  }

  async sql<Row = Record<string, unknown>>(statement: string): Promise<Row[]> {
    const client = this.client();
    await client.connect();
    try {
      return (await client.query(statement)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  private client(): Client {
    const client = new Client({ connectionString: this.postgres.url });
    // A fault may end the connection between two statements: the next one rejects.
    client.on('error', () => undefined);
    return client;
  }

  /** Keeps a connection with a statement open, such as one that holds a lock, until it is released. */
  async hold(statement: string): Promise<{ release: () => Promise<void> }> {
    const client = this.client();
    await client.connect();
    await client.query(statement);
    return { release: () => client.end() };
  }

  /** What the processes logged. */
  logs(): string[] {
    return this.fleets.flatMap((fleet) => fleet.logs(/./));
  }

  async close(): Promise<void> {
    await Promise.all(this.fleets.map((fleet) => fleet.close()));
    for (const close of this.closers) {
      await close();
    }
  }
}
