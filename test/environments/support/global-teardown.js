import sharedTeardown from '../../support/jest/global-teardown.js';

export default async function globalTeardown(...args) {
  await sharedTeardown(...args);
  globalThis[Symbol.for('nestjs-backfill.test.environment-worker')]?.remove();
}
