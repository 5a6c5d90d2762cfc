import { SchematicError } from '../schematic.error.js';

/** What is read of a `package.json`. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** Versions that work together, by the major version of Nest. */
const BY_NEST: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  11: {
    '@mikro-orm/core': '^6.6.0',
    '@nestjs/bullmq': '^11.0.5',
    '@nestjs/schedule': '^6.1.0',
    bullmq: '^5.81.0',
    ioredis: '^5.8.0',
  },
  12: {
    '@mikro-orm/core': '^7.2.0',
    '@nestjs/bullmq': '^12.0.0',
    '@nestjs/schedule': '^12.0.0',
    bullmq: '^6.7.0',
    ioredis: '^6.0.0',
  },
};

const MIKRO_ORM_NESTJS: Readonly<Record<number, string>> = { 6: '^6.1.0', 7: '^7.1.0' };

/** The peers that are missing, each in a version that fits what is there. */
export function missingPeers({ dependencies = {}, devDependencies = {} }: Manifest): Record<string, string> {
  const present = { ...devDependencies, ...dependencies };
  const nest = majorOf(present['@nestjs/core'] ?? present['@nestjs/common']);
  const versions = nest === null ? undefined : BY_NEST[nest];
  if (versions === undefined) {
    throw new SchematicError(
      `Expected @nestjs/core 11 or 12 in package.json, got ${present['@nestjs/core'] ?? 'none'}.`,
    );
  }
  const orm = majorOf(present['@mikro-orm/core'] ?? versions['@mikro-orm/core']) ?? 7;
  const wanted = { ...versions, '@mikro-orm/nestjs': MIKRO_ORM_NESTJS[orm] ?? '^7.1.0' };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => !Object.hasOwn(present, name)));
}

/** The first number of a range such as `^12.0.1`. */
function majorOf(range: string | undefined): number | null {
  const found = /\d+/.exec(range ?? '')?.[0];
  return found === undefined ? null : Number(found);
}

/** The text of a `package.json` with more dependencies, sorted as npm sorts them; the rest as it was. */
export function withDependencies(text: string, added: Readonly<Record<string, string>>): string {
  const manifest = JSON.parse(text) as Manifest & Record<string, unknown>;
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? '  ';
  const dependencies = Object.fromEntries(
    Object.entries({ ...manifest.dependencies, ...added }).toSorted(([a], [b]) => a.localeCompare(b, 'en')),
  );
  return JSON.stringify({ ...manifest, dependencies }, null, indent) + (text.endsWith('\n') ? '\n' : '');
}
