import { createHash } from 'node:crypto';
import { loadPackage } from './packages.js';

/**
 * What a file of a package becomes: code that gets what Node has loaded. Jest loads every file of every package anew for
 * each test file, which is half of the processor time of an average one.
 */
function transformed(source, path, { supportsDynamicImport, supportsStaticESM }) {
  if (!supportsDynamicImport) {
    // Node loads this one already: Jest needs it itself, for a setup or an environment.
    return source;
  }
  const loaded = `globalThis[Symbol.for('nestjs-backfill.test.packages')](${JSON.stringify(path)})`;
  if (!supportsStaticESM) {
    return `module.exports = ${loaded};`;
  }
  const names = Object.keys(loadPackage(path)).map((name) => JSON.stringify(name));
  return [
    `const loaded = ${loaded};`,
    ...names.map((name, i) => `const e${i} = loaded[${name}];`),
    `export { ${names.map((name, i) => `e${i} as ${name}`).join(', ')} };`,
  ].join('\n');
}

export default {
  // The exports of a file can come from others, so its source alone would not do as the key.
  getCacheKey: (...args) =>
    createHash('sha256')
      .update(transformed(...args))
      .digest('hex'),
  process: (...args) => ({ code: transformed(...args) }),
};
