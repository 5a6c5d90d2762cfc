// What is packed is small: the code as a few bundles, one for each entry point and what they share, without
// comments and with short names; the declarations that the entry points lead to in one file; folders without code as
// one compressed file. Classes keep their names: stack traces, Nest's logs and error names tell them.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { minifySync } from 'rolldown/utils';
import { publicTypes } from './public-types.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** They hold no code, and are read by `lib/assets/package-file.ts`. */
const FOLDERS = ['admin/ui', 'redis/scripts'];

const { bin, exports, schematics } = readJson('package.json');
const collection = readJson(schematics);

const entries = [
  ...Object.values(exports).flatMap((it) => it.default ?? []),
  ...Object.values(bin),
  // The runner of schematics loads them by these paths.
  ...Object.values(collection.schematics).map(
    ({ factory }) => `${join(dirname(schematics), factory.split('#')[0])}.js`,
  ),
  // It finds the other files of the package from its own place, so that it has to keep it.
  'dist/assets/package-file.js',
].map((path) => join(root, path));

const declarations = publicTypes(
  Object.values(exports).flatMap(({ types }) => (types ? [join(root, types)] : [])),
);

const bundle = await rolldown({
  input: Object.fromEntries(entries.map((file) => [file.slice(dist.length + 1, -'.js'.length), file])),
  // TypeScript's helpers come along, each once, and so are no dependency.
  external: (id) => id !== 'tslib' && !/^[./]/.test(id),
  platform: 'node',
  plugins: [
    {
      name: 'unread-metadata',
      // Nest asks for the types of parameters only.
      transform: (code) => code.replaceAll(/^\s*__metadata\("design:(?:type|returntype)", .*\),?\n/gm, ''),
    },
  ],
});
const { output } = await bundle.generate({
  chunkFileNames: 'chunks/[name].js',
  minify: { compress: true, mangle: { toplevel: true, keepNames: { class: true, function: false } } },
});
await bundle.close();

for (const file of filesOf(dist)) {
  if (isCode(file)) {
    rmSync(file);
  } else if (file.endsWith('.json')) {
    writeFileSync(file, JSON.stringify(JSON.parse(readFileSync(file, 'utf8'))));
  }
}
for (const [file, text] of declarations) {
  writeFileSync(
    file,
    text.replaceAll(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4)),
  );
}
for (const folder of FOLDERS) {
  const path = join(dist, folder);
  const texts = readdirSync(path).map((name) => [name, bare(name, readFileSync(join(path, name), 'utf8'))]);
  writeFileSync(`${path}.br`, brotliCompressSync(JSON.stringify(Object.fromEntries(texts))));
  rmSync(path, { recursive: true });
}
for (const { fileName, code } of output) {
  const file = join(dist, fileName);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
}

/** Nobody reads the comments of scripts in Redis or in a browser. */
function bare(name, text) {
  if (name.endsWith('.lua')) {
    return text.replaceAll(/--\[\[[^]*?\]\]\n|^\s*--.*\n|^ +/gm, '');
  }
  return /(?<!\.min)\.js$/.test(name) ? minifySync(name, text, { module: true }).code : text;
}

function isCode(file) {
  return /\.(?:js|d\.ts|map)$/.test(file) && !file.includes('/admin/ui/');
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
