import type { Manifest } from '../project/manifest.js';
import { SchematicError } from '../schematic.error.js';

/** Compatible versions of the peer dependencies by the major version of Nest. */
const PEERS_BY_NEST: Readonly<Record<number, Readonly<Record<string, string>>>> = {
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

/** Compatible version of `@mikro-orm/nestjs` by the major version of MikroORM. */
const MIKRO_ORM_NESTJS: Readonly<Record<number, string>> = { 6: '^6.1.0', 7: '^7.1.0' };

/**
 * The missing peer dependencies, in versions compatible with the Nest and MikroORM of the app.
 *
 * @throws SchematicError when the app does not use Nest 11 or 12
 */
export function missingPeers({ dependencies = {}, devDependencies = {} }: Manifest): Record<string, string> {
  const present = { ...devDependencies, ...dependencies };
  const nest = majorOf(present['@nestjs/core'] ?? present['@nestjs/common']);
  const versions = nest === null ? undefined : PEERS_BY_NEST[nest];
  if (versions === undefined) {
    throw new SchematicError(
      `Expected @nestjs/core 11 or 12 in package.json, got ${present['@nestjs/core'] ?? 'none'}.`,
    );
  }
  const orm = majorOf(present['@mikro-orm/core'] ?? versions['@mikro-orm/core']) ?? 7;
  const required = { ...versions, '@mikro-orm/nestjs': MIKRO_ORM_NESTJS[orm] ?? '^7.1.0' };
  return Object.fromEntries(Object.entries(required).filter(([name]) => !Object.hasOwn(present, name)));
}

/** The major version of a range such as `^12.0.1`. */
function majorOf(range: string | undefined): number | null {
  const major = /\d+/.exec(range ?? '')?.[0];
  return major === undefined ? null : Number(major);
}
