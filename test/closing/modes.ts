import type { PostgresServer, RedisServer } from '../support/services/index.js';

export interface Servers {
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
}

/** What is done to the servers before the apps are closed, and undone afterwards. */
export interface Mode {
  readonly freeze: (servers: Servers) => Promise<void>;
  readonly thaw: (servers: Servers) => Promise<void>;
}

export const MODES: Readonly<Record<string, Mode>> = {
  healthy: { freeze: async () => undefined, thaw: async () => undefined },
  redis: { freeze: ({ redis }) => redis.pause(), thaw: ({ redis }) => redis.resume() },
  postgres: { freeze: ({ postgres }) => postgres.pause(), thaw: ({ postgres }) => postgres.resume() },
};
