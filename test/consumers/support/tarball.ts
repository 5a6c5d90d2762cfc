import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './shell.js';

export const ROOT = join(import.meta.dirname, '../../..');

/** Builds and packs the library as it would be published; answers the path of the tarball. */
export async function packLibrary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-backfill-packed-'));
  const printed = await run(ROOT, 'npm', ['pack', '--pack-destination', folder]);
  return join(folder, printed.trim().split('\n').at(-1) ?? '');
}

/** The tarball that the global setup packed. */
export function packedLibrary(): string {
  const tarball = process.env['PACKED_LIBRARY'];
  if (tarball === undefined) {
    throw new Error('Expected PACKED_LIBRARY, which the global setup of these tests sets');
  }
  return tarball;
}

/** A tool of the repository's own node_modules. */
export function ownTool(name: string): string {
  return join(ROOT, 'node_modules/.bin', name);
}
