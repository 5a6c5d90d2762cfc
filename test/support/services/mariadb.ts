import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unprivilegedAccount, type Account } from './account.js';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { mariadbBinaries, type MariadbBinaries } from './mariadb-binaries.js';
import { answersWith, type OwnServer, startOwnServer } from './own-server.js';
import { startOnFreePort } from './server-process.js';

/** A crash loses nothing: the next start recovers from the log. */
export type MariadbServer = OwnServer;

/** More options of `mariadbd`. */
type MariadbSettings = Readonly<Record<string, string | number>>;

/** Starts a MariaDB of its own, whatever `MARIADB_URL` says. It ends with this process at the latest. */
export function startMariadb(settings: MariadbSettings = {}): Promise<MariadbServer> {
  return startOnFreePort(() => start(settings));
}

async function start(more: MariadbSettings): Promise<MariadbServer> {
  const account = unprivilegedAccount();
  const folder = createGuardedFolder('mariadb', 'KILL', account, true);
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const binaries = await mariadbBinaries(folder.path, account);
    const { mariadbd, base, share, libraries } = binaries;
    const data = join(folder.dataPath, 'data');
    // A server that starts removes the temporary tables of its folder: of others, too, if they share it.
    const temporary = join(folder.dataPath, 'tmp');
    for (const path of [data, temporary]) {
      mkdirSync(path);
      if (account.uid !== undefined && account.gid !== undefined) {
        chownSync(path, account.uid, account.gid);
      }
    }
    const env = libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env;
    const shared = [
      '--no-defaults',
      `--basedir=${base}`,
      `--datadir=${data}`,
      `--tmpdir=${temporary}`,
      `--lc-messages-dir=${share}`,
    ];
    await makeSystemTables(binaries, shared, env, account);
    const settings = {
      'bind-address': host,
      port,
      socket: join(folder.path, 'mariadb.sock'),
      'pid-file': join(folder.path, 'mariadb.pid'),
      'character-set-server': 'utf8mb4',
      'collation-server': 'utf8mb4_general_ci',
      // A crash of MariaDB alone loses nothing with 2.
      'innodb-flush-log-at-trx-commit': 2,
      'innodb-buffer-pool-size': '32M',
      'max-connections': 200,
      ...more,
    };
    return await startOwnServer(
      folder,
      {
        name: 'MariaDB',
        binary: mariadbd,
        args: [...shared, ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)],
        env,
        account,
        // A server that is up greets whoever connects with its version.
        isReady: () => answersWith({ host, port }, /mariadb/i),
      },
      { url: `mysql://root@${host}:${port}`, host, port },
    );
  } catch (error) {
    await folder.release();
    throw error;
  }
}

/** What `mariadb-install-db` does, without the programs of the client's package that it asks for. */
async function makeSystemTables(
  { mariadbd, share }: MariadbBinaries,
  shared: readonly string[],
  env: NodeJS.ProcessEnv,
  account: Account,
): Promise<void> {
  const scripts = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'];
  const child = spawn(mariadbd, [...shared, '--bootstrap', '--innodb-buffer-pool-size=16M'], {
    cwd: '/',
    env,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...account,
  });
  let log = '';
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  // It may end before it has read everything; the exit code tells.
  child.stdin.on('error', () => {});
  child.stdin.write('CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n');
  child.stdin.end(scripts.map((name) => readFileSync(join(share, name), 'utf8')).join('\n'));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new Error(`Expected MariaDB to make its system tables, got exit code ${code}:\n${log}`);
  }
}
