import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, chownSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { unprivilegedAccount, type Account } from './account.js';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { mariadbBinaries, type MariadbBinaries } from './mariadb-binaries.js';
import { ServerProcess, startOnFreePort } from './server-process.js';
import type { Service } from './services.js';

export interface MariadbServer extends Service {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly folder: string;
  /** Ends by SIGKILL. The next start recovers from the log. */
  kill(): Promise<void>;
  /** Starts again on the same port with the same data, after a clean end if it still runs. */
  restart(): Promise<void>;
}

/** Starts a MariaDB of its own, whatever `MARIADB_URL` says. It ends with this process at the latest. */
export function startMariadb(): Promise<MariadbServer> {
  return startOnFreePort(start);
}

async function start(): Promise<MariadbServer> {
  const account = unprivilegedAccount();
  const folder = createGuardedFolder('mariadb', 'KILL', account);
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const binaries = await mariadbBinaries(folder.path, account);
    const { mariadbd, base, share, libraries } = binaries;
    const data = join(folder.path, 'data');
    mkdirSync(data);
    if (account.uid !== undefined && account.gid !== undefined) {
      chownSync(data, account.uid, account.gid);
    }
    const env = libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env;
    const shared = ['--no-defaults', `--basedir=${base}`, `--datadir=${data}`, `--lc-messages-dir=${share}`];
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
    };
    const server = new ServerProcess(folder, {
      name: 'MariaDB',
      binary: mariadbd,
      args: [...shared, ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`)],
      env,
      account,
      isReady: () => answers(host, port),
    });
    await server.start();
    return {
      url: `mysql://root@${host}:${port}`,
      host,
      port,
      external: false,
      folder: folder.path,
      get pid() {
        return server.pid;
      },
      kill: () => server.end('SIGKILL'),
      restart: async () => {
        await server.end('SIGTERM');
        await server.start();
      },
      stop: () => folder.release(),
    };
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

/** A server that is up greets whoever connects with its version. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => settle(false));
    socket.once('data', (data) => settle(/mariadb/i.test(data.toString('latin1'))));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
  });
}
