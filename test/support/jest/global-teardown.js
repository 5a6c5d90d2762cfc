import { RELEASE_MS } from '../deadlines.js';

/** Stops the servers. A run that open handles then keep alive ends as a failure instead of hanging. */
export default async function globalTeardown({ watch, watchAll }) {
  await globalThis[Symbol.for('nestjs-backfill.test.services')]?.stop();
  if (watch || watchAll) {
    return;
  }
  setTimeout(() => {
    console.error(`Expected the tests to end, got open handles ${RELEASE_MS} ms later.`);
    process.exit(1);
  }, RELEASE_MS).unref();
}
