import { createEnvironmentBench, environment } from '../support/index.js';

const bench = await createEnvironmentBench();

environment('Redis and PostgreSQL with their defaults', async () => {
  await bench.run();
});
