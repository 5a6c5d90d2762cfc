import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.js';

const OWN_NAME = 'nestjs-backfill';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Checks the installed versions of the peer dependencies, as resolved from a folder. */
export function checkPeerVersions(from: string): Finding[] {
  const own = ownManifest();
  return Object.entries(own.peerDependencies ?? {}).flatMap(([name, range]): Finding[] => {
    const version = installedVersion(name, from);
    const subject = `package ${name}`;
    if (version === null) {
      const optional = own.peerDependenciesMeta?.[name]?.optional === true;
      return optional ? [] : [{ subject, level: 'problem', message: `not installed; expected ${range}` }];
    }
    return satisfies(range, version)
      ? [{ subject, level: 'ok', message: version }]
      : [{ subject, level: 'problem', message: `${version} is installed; expected ${range}` }];
  });
}

/** Whether a version satisfies a range of the form `^1.2.0 || >=2.0.0`: the subset of semver that peers use. */
export function satisfies(range: string, version: string): boolean {
  const actual = parseVersion(version);
  return range.split('||').some((alternative) => {
    const minimum = parseVersion(alternative.trim().replace(/^[\^>=~ ]+/, ''));
    const atLeast = compareVersions(actual, minimum) >= 0;
    if (alternative.trim().startsWith('>=')) {
      return atLeast;
    }
    // A caret range fixes the leftmost non-zero number.
    const fixed = minimum.findIndex((number) => number > 0);
    return atLeast && minimum.slice(0, fixed + 1).every((number, at) => number === actual[at]);
  });
}

function parseVersion(version: string): number[] {
  return version.split('-', 1).join('').split('.').map(Number);
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < 3; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) {
      return difference;
    }
  }
  return 0;
}

function installedVersion(name: string, from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(file)) {
      return readManifest(file).version ?? null;
    }
    if (dirname(folder) === folder) {
      return null;
    }
  }
}

/** `dist/cjs`, where this may be, has a manifest without a name. */
function ownManifest(): Manifest {
  for (let folder = fileURLToPath(new URL('.', import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    const manifest = existsSync(file) ? readManifest(file) : {};
    if (manifest.name === OWN_NAME || dirname(folder) === folder) {
      return manifest;
    }
  }
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
