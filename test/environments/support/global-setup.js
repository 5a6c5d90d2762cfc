import sharedSetup from '../../support/jest/global-setup.js';

/** Bundles the worker process once for all files. */
export default async function globalSetup() {
  const { bundleChild } = await import('../../support/processes/child-bundle.ts');
  const worker = await bundleChild(new URL('worker.ts', import.meta.url));
  process.env.ENVIRONMENT_WORKER = worker.url.href;
  globalThis[Symbol.for('nestjs-backfill.test.environment-worker')] = worker;
  await sharedSetup();
}
