import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** What the code of `package.transform.js` calls to get a package. */
globalThis[Symbol.for('nestjs-backfill.test.packages')] = load;

/** Has Node load a file of a package: once in a process, for all test files. */
export function loadPackage(path) {
  return load(path);
}
