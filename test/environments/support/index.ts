export { createEnvironmentBench, environment, type EnvironmentBench } from './environment-bench.js';
export { CREATE_ROWS, fillRows, type Query } from './environment-rows.js';
export { startOwnPostgres, type OwnPostgres } from './own-postgres.js';
