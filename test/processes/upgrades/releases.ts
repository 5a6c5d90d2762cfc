import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { installTarball, type InstalledBuild } from '../../support/builds/index.js';

const RELEASES = new URL('./releases/', import.meta.url);

/** The tarballs that this version is held against. */
export async function releases(): Promise<string[]> {
  const names = (await readdir(RELEASES)).filter((name) => name.endsWith('.tgz'));
  if (names.length === 0) {
    throw new Error(`Expected tarballs of releases in ${fileURLToPath(RELEASES)}, got none`);
  }
  return names.toSorted();
}

/** Installs a release, by the name of its tarball. */
export function installRelease(tarball: string): Promise<InstalledBuild> {
  return installTarball(fileURLToPath(new URL(tarball, RELEASES)));
}
