import '../swc/register.js';

/** Starts one PostgreSQL and one Redis for a whole run. The workers find them where an app would. */
export default async function globalSetup() {
  const { startServices } = await import('../services/index.ts');
  const services = await startServices({ postgres: { inMemory: true } });
  process.env.DATABASE_URL = services.postgres.url;
  process.env.REDIS_URL = services.redis.url;
  globalThis[Symbol.for('nestjs-backfill.test.services')] = services;
}
