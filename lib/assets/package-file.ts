import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';

/** Where the code of the package begins: the folder that holds `index.js`. */
const ROOT = new URL('../', import.meta.url);

/** Files that are not code are compressed when the package is packed. */
const COMPRESSED = '.br';

/** Reads a file that comes with the code, such as `admin/ui/index.html`. */
export function readPackageFile(path: string): Buffer {
  const plain = new URL(path, ROOT);
  return existsSync(plain)
    ? readFileSync(plain)
    : brotliDecompressSync(readFileSync(new URL(path + COMPRESSED, ROOT)));
}

/** The names of the files of a folder, as `readPackageFile` takes them. */
export function packageFilesIn(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, ROOT), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => (name.endsWith(COMPRESSED) ? name.slice(0, -COMPRESSED.length) : name));
}
