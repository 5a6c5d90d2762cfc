export { createEnvironmentBench, environment, type EnvironmentBench } from './environment-bench.js';
export { CREATE_ROWS, fillRows } from './environment-rows.js';
