import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const RELEASES = new URL('./releases/', import.meta.url);
/** Inside the repository, whose `node_modules` then serve the dependencies of a release. */
const CACHE = new URL('../../../.cache/', import.meta.url);

/** The tarballs that this version is held against. */
export async function releases(): Promise<string[]> {
  const names = (await readdir(RELEASES)).filter((name) => name.endsWith('.tgz'));
  if (names.length === 0) {
    throw new Error(`Expected tarballs of releases in ${fileURLToPath(RELEASES)}, got none`);
  }
  return names.toSorted();
}

/** A release that was unpacked as `npm install` would. */
export interface UnpackedRelease {
  /** A folder in whose `node_modules` it is. */
  readonly folder: URL;
  remove(): Promise<void>;
}

export async function unpack(tarball: string): Promise<UnpackedRelease> {
  await mkdir(CACHE, { recursive: true });
  const folder = pathToFileURL(`${await mkdtemp(fileURLToPath(new URL('upgrades-', CACHE)))}/`);
  const installed = new URL('node_modules/nestjs-backfill/', folder);
  await mkdir(installed, { recursive: true });
  // Without a package of its own the folder would belong to that of the repository, which has the same name.
  await writeFile(new URL('package.json', folder), '{ "private": true, "type": "module" }');
  const source = fileURLToPath(new URL(tarball, RELEASES));
  await run('tar', ['-xzf', source, '--strip-components=1', '-C', fileURLToPath(installed)]);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
