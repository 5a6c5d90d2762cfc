// Compiles `lib` once more, as CommonJS, to `dist/cjs`: for test runners and bundlers that cannot `require` ES modules.
// Node itself takes the ES modules for `require`, too (the condition `module-sync`), so that no process has two copies.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transformFileSync } from '@swc/core';
import { swcOptions } from '../test/support/swc/options.js';

const OUT = 'dist/cjs';
/** Only Nest's command line and the shell load these. */
const ESM_ONLY = /^(?:schematics\/|cli\/main\.)/;

const files = readdirSync('lib', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative('lib', join(entry.parentPath, entry.name)))
  .filter((file) => !ESM_ONLY.test(file) && !file.startsWith('tsconfig'));

mkdirSync(OUT, { recursive: true });
writeFileSync(join(OUT, 'package.json'), '{ "type": "commonjs" }\n');
for (const file of files) {
  mkdirSync(dirname(join(OUT, file)), { recursive: true });
  if (file.endsWith('.ts')) {
    compile(file);
    copyDeclarations(file.replace(/\.ts$/, '.d.ts'));
  } else {
    copyFileSync(join('lib', file), join(OUT, file));
  }
}

function compile(file) {
  const target = join(OUT, file.replace(/\.ts$/, '.js'));
  const { code, map } = transformFileSync(join('lib', file), {
    ...swcOptions,
    // The modules of the app that the command line loads may be ES modules.
    module: { type: 'commonjs', ignoreDynamic: true },
    sourceMaps: true,
    sourceFileName: relative(dirname(target), join('lib', file)),
  });
  writeFileSync(target, `${code}//# sourceMappingURL=${target.split('/').at(-1)}.map\n`);
  writeFileSync(`${target}.map`, map);
}

/** The declarations of the ES modules are those of CommonJS in a folder of that type. */
function copyDeclarations(file) {
  copyFileSync(join('dist', file), join(OUT, file));
  const map = JSON.parse(readFileSync(join('dist', `${file}.map`), 'utf8'));
  map.sources = map.sources.map((source) => join('..', source));
  writeFileSync(join(OUT, `${file}.map`), JSON.stringify(map));
}
