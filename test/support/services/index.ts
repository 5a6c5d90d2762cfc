export { startPgbouncer, type PgbouncerOptions } from './pgbouncer.js';
export { startPostgres, startStandby, type PostgresOptions, type PostgresServer } from './postgres.js';
export { startRedis, type RedisOptions, type RedisServer } from './redis.js';
export { startServices, type Service, type Services, type ServicesOptions } from './services.js';
