// What nobody can reach or needs to read leaves `dist` before it is packed: declarations behind no entry
// point, source maps, comments and the names of local variables. Classes and functions keep their names:
// stack traces, Nest's logs and error names tell them.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { minify } from '@swc/core';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const names = { keep_classnames: true, keep_fnames: true };
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

const reachable = new Set();
for (const { types } of Object.values(exports)) {
  if (types) {
    reach(join(root, types));
  }
}

for (const file of files) {
  if (file.endsWith('.map') || (file.endsWith('.d.ts') && !reachable.has(file))) {
    rmSync(file);
  } else if (file.endsWith('.js') && !file.includes('/admin/ui/')) {
    const source = readFileSync(file, 'utf8');
    const bang = /^#!.*\n/.exec(source)?.[0] ?? '';
    const { code } = await minify(source.slice(bang.length), {
      module: true,
      compress: false,
      mangle: names,
      format: { comments: false },
    });
    writeFileSync(file, bang + code);
  }
}

function reach(declaration) {
  if (reachable.has(declaration) || !existsSync(declaration)) {
    return;
  }
  reachable.add(declaration);
  for (const [, specifier] of readFileSync(declaration, 'utf8').matchAll(
    /(?:from\s+|import\(|import\s+)['"](\.[^'"]+)\.js['"]/g,
  )) {
    reach(resolve(dirname(declaration), `${specifier}.d.ts`));
  }
}
