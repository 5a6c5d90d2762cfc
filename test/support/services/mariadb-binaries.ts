import { chmodSync, cpSync } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canReach, type Account } from './account.js';
import { debianPackage, firstExecutable, onPath, type UnpackedPackages } from './debian-packages.js';

export interface MariadbBinaries {
  readonly mariadbd: string;
  /** Where the server looks for its files, as `--basedir`. */
  readonly base: string;
  /** The scripts that make the system tables, and the server's messages. */
  readonly share: string;
  /** Where its shared libraries are, if not where the system looks. */
  readonly libraries?: string;
}

const BINARY = 'usr/sbin/mariadbd';

/**
 * Finds a server on the system, else in the cache, else fetches Debian's packages into the cache. An account
 * that cannot reach the cache gets a copy in the server's folder.
 */
export async function mariadbBinaries(folder: string, account: Account): Promise<MariadbBinaries> {
  const installed = (await onPath('mariadbd')) ?? (await firstExecutable(['/usr/sbin/mariadbd']));
  if (installed) {
    const base = dirname(dirname(await realpath(installed)));
    return { mariadbd: installed, base, share: await shareOf(base) };
  }
  let fetched: UnpackedPackages | undefined;
  try {
    fetched = await debianPackage('mariadb-server-core', BINARY, 'mariadb');
  } catch (cause) {
    throw missingMariadb(cause);
  }
  if (!fetched) {
    throw missingMariadb();
  }
  let { root, libraries } = fetched;
  if (!canReach(join(root, BINARY), account)) {
    const copy = join(folder, 'native');
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
    chmodSync(copy, 0o755);
    libraries = libraries.replaceAll(root, copy);
    root = copy;
  }
  const base = join(root, 'usr');
  return { mariadbd: join(root, BINARY), base, share: await shareOf(base), libraries };
}

async function shareOf(base: string): Promise<string> {
  for (const share of [join(base, 'share/mysql'), join(base, 'share/mariadb')]) {
    try {
      await access(join(share, 'mysql_system_tables.sql'));
      return share;
    } catch {
      // Its name differs from distribution to distribution.
    }
  }
  throw missingMariadb(new Error(`Expected mysql_system_tables.sql below ${base}/share, got none`));
}

function missingMariadb(cause?: unknown): Error {
  return new Error(
    [
      'Expected MARIADB_URL, or mariadbd on the PATH, got neither. Do one of:',
      '  Debian, Ubuntu:  apt-get install mariadb-server-core',
      '  Fedora:          dnf install mariadb-server',
      '  macOS:           brew install mariadb',
      '  Docker:          docker run -d -p 3306:3306 -e MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1 mariadb:10.11 ' +
        '&& export MARIADB_URL=mysql://root@127.0.0.1:3306',
    ].join('\n'),
    { cause },
  );
}
