import type { Tree } from '@angular-devkit/schematics';
import type { Manifest } from './manifest.js';
import { readJson } from './tree-files.js';

/** Drivers for the in-memory database of `BackfillHarness`. */
const SQLITE = ['@mikro-orm/libsql', '@mikro-orm/sqlite', '@mikro-orm/better-sqlite'];
const SQL = ['postgresql', 'mysql', 'mariadb', 'mssql', 'oracledb'].map((name) => `@mikro-orm/${name}`);
const MONGO = '@mikro-orm/mongodb';

/** Whether the app's only database is MongoDB. */
export function usesOnlyMongo(manifest: Manifest): boolean {
  const present = packagesOf(manifest);
  return MONGO in present && ![...SQL, ...SQLITE].some((name) => name in present);
}

/**
 * The driver that the tests of handlers need and the app lacks, in the version of its MikroORM: all packages of MikroORM
 * have to have the same. None where the app has no driver for an SQL database (yet).
 */
export function missingTestDriver(tree: Tree, manifest: Manifest): Record<string, string> {
  const present = packagesOf(manifest);
  const driver = SQL.find((name) => name in present);
  if (driver === undefined || SQLITE.some((name) => name in present)) {
    return {};
  }
  // The installed version: a range may allow a newer driver than the installed core.
  const installed = readJson(tree, 'node_modules/@mikro-orm/core/package.json') as Manifest | undefined;
  const version = installed?.version ?? present['@mikro-orm/core'] ?? present[driver];
  return version === undefined ? {} : { '@mikro-orm/libsql': version };
}

function packagesOf({ dependencies, devDependencies }: Manifest): Readonly<Record<string, string>> {
  return { ...devDependencies, ...dependencies };
}
