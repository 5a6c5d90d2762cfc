import { startPostgres, type PostgresOptions } from './postgres.js';
import { startRedis, type RedisOptions } from './redis.js';

export interface Service {
  readonly url: string;
  /** Whether the service was already there: nobody stops what they did not start. */
  readonly external: boolean;
  stop(): Promise<void>;
}

export interface ServicesOptions {
  postgres?: PostgresOptions;
  redis?: RedisOptions;
}

export interface Services {
  readonly postgres: Service;
  readonly redis: Service;
  stop(): Promise<void>;
}

/**
 * One PostgreSQL and one Redis: those of `DATABASE_URL` and `REDIS_URL` where these are set, else servers
 * of our own, which end with this process however it ends.
 */
export async function startServices(options: ServicesOptions = {}): Promise<Services> {
  const { DATABASE_URL, REDIS_URL } = process.env;
  const started = await Promise.allSettled<Service>([
    DATABASE_URL ? external(DATABASE_URL) : startPostgres(options.postgres),
    REDIS_URL ? external(REDIS_URL) : startRedis(options.redis),
  ]);
  const running = started.filter((it) => it.status === 'fulfilled').map((it) => it.value);
  const stop = async () => {
    await Promise.all(running.map((service) => service.stop()));
  };
  const [postgres, redis] = running;
  if (!postgres || !redis) {
    await stop();
    throw started.find((it) => it.status === 'rejected')?.reason;
  }
  return { postgres, redis, stop };
}

async function external(url: string): Promise<Service> {
  return { url, external: true, stop: async () => {} };
}
