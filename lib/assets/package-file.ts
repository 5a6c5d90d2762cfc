import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Where the code of the package begins: the folder that holds `index.js`. */
const ROOT = new URL('../', import.meta.url);

/** Reads a file that comes with the code, such as `redis/scripts/ack.lua`. */
export function readPackageFile(path: string): Buffer {
  const plain = new URL(path, ROOT);
  if (existsSync(plain)) {
    return readFileSync(plain);
  }
  const text = readArchive(posix.dirname(path))[posix.basename(path)];
  if (text === undefined) {
    throw new Error(`Expected ${path} in the package, got no such file. Install nestjs-backfill again.`);
  }
  return Buffer.from(text);
}

/** Reads all files of a folder that comes with the code, by their names. */
export function readPackageFolder(folder: string): ReadonlyMap<string, Buffer> {
  const url = new URL(`${folder}/`, ROOT);
  return existsSync(url)
    ? new Map(readdirSync(url).map((name) => [name, readFileSync(new URL(name, url))]))
    : new Map(Object.entries(readArchive(folder)).map(([name, text]) => [name, Buffer.from(text)]));
}

/** A folder without code is one compressed file once it is packed (`.ci/slim-package.mjs`). */
function readArchive(folder: string): Readonly<Record<string, string>> {
  const archive = readFileSync(new URL(`${folder}.br`, ROOT));
  return JSON.parse(brotliDecompressSync(archive).toString('utf8')) as Record<string, string>;
}
