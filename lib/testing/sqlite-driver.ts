import { Utils } from '@mikro-orm/core';
import type { Options } from '@mikro-orm/core';
import { HarnessDatabaseError } from './harness-database.error.js';

type DriverClass = NonNullable<Options['driver']>;

/** A package of MikroORM, and the name by which it exports its driver. */
export interface DriverPackage {
  readonly name: string;
  readonly driver: string;
}

/** In this order: libSQL needs no compiler and no install script. */
const PACKAGES: readonly DriverPackage[] = [
  { name: '@mikro-orm/libsql', driver: 'LibSqlDriver' },
  { name: '@mikro-orm/sqlite', driver: 'SqliteDriver' },
  { name: '@mikro-orm/better-sqlite', driver: 'BetterSqliteDriver' },
];

/**
 * The first installed driver for SQLite.
 *
 * @throws HarnessDatabaseError when none is installed, or one cannot be loaded
 */
export async function sqliteDriver(backfill: string, packages = PACKAGES): Promise<DriverClass> {
  for (const { name, driver } of packages) {
    const exported = await loadIfInstalled(name);
    if (exported?.[driver] !== undefined) {
      return exported[driver] as DriverClass;
    }
  }
  const names = packages.map(({ name }) => name).join(', ');
  throw new HarnessDatabaseError(
    `BackfillHarness of backfill "${backfill}" expected a driver for its in-memory SQLite database (${names}), found ` +
      `none installed. Install one in the version of @mikro-orm/core: ` +
      `npm install --save-dev ${packages[0]?.name}@${Utils.getORMVersion()}. ` +
      'Or give the harness the entity manager of a test database: new BackfillHarness(handler, { em: orm.em }).',
  );
}

async function loadIfInstalled(name: string): Promise<Record<string, unknown> | undefined> {
  try {
    return await load(name);
  } catch (error) {
    if (isAbsent(error, name)) {
      return undefined;
    }
    throw new HarnessDatabaseError(`${name} is installed and cannot be loaded: ${String(error)}`, {
      cause: error,
    });
  }
}

/** In a CommonJS module `require`, because Jest imports nothing at run time there without a flag of Node. */
async function load(name: string): Promise<Record<string, unknown>> {
  const loaded: unknown = typeof require === 'function' ? require(name) : await import(name);
  return loaded as Record<string, unknown>;
}

/** The error may also name a package that the driver needs and that is not installed. */
function isAbsent(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^(?:ERR_)?MODULE_NOT_FOUND$/.test(code ?? '') && message.includes(`'${name}'`);
}
