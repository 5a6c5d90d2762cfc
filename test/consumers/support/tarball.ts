import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './shell.js';

const root = join(import.meta.dirname, '../../..');

/** Builds and packs the library as it would be published; answers the path of the tarball. */
export async function packLibrary(folder: string): Promise<string> {
  await run(root, 'npm', ['pack', '--pack-destination', folder]);
  const name = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
  if (name === undefined) {
    throw new Error(`Expected npm pack to leave a tarball in ${folder}`);
  }
  return join(folder, name);
}

/** A tool of the repository's own node_modules. */
export function ownTool(name: string): string {
  return join(root, 'node_modules/.bin', name);
}
