import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from './finding.js';

const OWN_MANIFEST = new URL('../../../package.json', import.meta.url);

interface Manifest {
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** Whether what the library asks for is installed in a version it knows. */
export function checkVersions(from: string): Finding[] {
  const own = readManifest(OWN_MANIFEST);
  return Object.entries(own.peerDependencies ?? {}).flatMap(([name, range]): Finding[] => {
    const version = installedVersion(name, from);
    const subject = `package ${name}`;
    if (version === null) {
      const optional = own.peerDependenciesMeta?.[name]?.optional === true;
      return optional ? [] : [{ subject, level: 'problem', message: `is not installed; expected ${range}` }];
    }
    return allows(range, version)
      ? [{ subject, level: 'ok', message: version }]
      : [{ subject, level: 'problem', message: `${version} is installed; expected ${range}` }];
  });
}

/** Whether a range of the form `^1.2.0 || ^2.0.0` allows a version. */
export function allows(range: string, version: string): boolean {
  const got = numbers(version);
  return range.split('||').some((part) => {
    const least = numbers(part.trim().replace(/^[\^>=~ ]+/, ''));
    const atLeast = compare(got, least) >= 0;
    if (part.trim().startsWith('>=')) {
      return atLeast;
    }
    // A caret holds the first number that is not zero.
    const fixed = least.findIndex((number) => number > 0);
    return atLeast && least.slice(0, fixed + 1).every((number, at) => number === got[at]);
  });
}

function numbers(version: string): number[] {
  return version.split('-', 1).join('').split('.').map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
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

function readManifest(file: string | URL): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}
