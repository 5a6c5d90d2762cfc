import { chmodSync, chownSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canReach, unprivilegedAccount, type Account } from './account.js';
import { debianPackage, firstExecutable, onPath } from './debian-packages.js';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { type OwnServer, startOwnServer } from './own-server.js';
import { answers, type PostgresServer } from './postgres.js';
import { startOnFreePort } from './server-process.js';

export interface PgbouncerOptions {
  /** @default 'transaction' */
  poolMode?: 'session' | 'transaction';
  /** Connections to the server for each database and user. @default 4 */
  poolSize?: number;
  /** More of `pgbouncer.ini`. */
  settings?: Record<string, string | number>;
}

interface PgbouncerBinary {
  readonly path: string;
  /** Where its shared libraries are, if not where the system looks. */
  readonly libraries?: string;
}

const BINARY = 'usr/sbin/pgbouncer';

/** Starts a PgBouncer before a server that was started here. It ends with this process at the latest. */
export function startPgbouncer(postgres: PostgresServer, options: PgbouncerOptions = {}): Promise<OwnServer> {
  return startOnFreePort(() => start(postgres, options));
}

async function start(postgres: PostgresServer, options: PgbouncerOptions): Promise<OwnServer> {
  // PgBouncer refuses to run as root.
  const account = unprivilegedAccount();
  const folder = createGuardedFolder('pgbouncer', 'KILL', account);
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const { path: binary, libraries } = await pgbouncerBinary(folder.path, account);
    const users = join(folder.path, 'users.txt');
    const ini = join(folder.path, 'pgbouncer.ini');
    const settings = {
      listen_addr: host,
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'trust',
      auth_file: users,
      pool_mode: options.poolMode ?? 'transaction',
      default_pool_size: options.poolSize ?? 4,
      max_client_conn: 200,
      ...options.settings,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
    const databases = `* = host=${postgres.host} port=${postgres.port}`;
    writeFor(account, users, '"postgres" ""\n');
    writeFor(account, ini, `[databases]\n${databases}\n[pgbouncer]\n${lines.join('\n')}\n`);
    const url = `postgresql://postgres@${host}:${port}/postgres`;
    return await startOwnServer(
      folder,
      {
        name: 'PgBouncer',
        binary,
        args: [ini],
        account,
        env: libraries ? { ...process.env, LD_LIBRARY_PATH: libraries } : process.env,
        isReady: () => answers(url),
      },
      { url, host, port, end: 'SIGINT' },
    );
  } catch (error) {
    await folder.release();
    throw error;
  }
}

function writeFor({ uid, gid }: Account, path: string, text: string): void {
  writeFileSync(path, text);
  if (uid !== undefined && gid !== undefined) {
    chownSync(path, uid, gid);
  }
}

/** Finds a PgBouncer on the system, else in the cache, else fetches Debian's package into the cache. */
async function pgbouncerBinary(folder: string, account: Account): Promise<PgbouncerBinary> {
  const installed = (await onPath('pgbouncer')) ?? (await firstExecutable(['/usr/sbin/pgbouncer']));
  if (installed) {
    return { path: installed };
  }
  const fetched = await debianPackage('pgbouncer', BINARY).catch((cause: unknown) => {
    throw missingPgbouncer(cause);
  });
  if (!fetched) {
    throw missingPgbouncer();
  }
  const { root, libraries } = fetched;
  if (canReach(join(root, BINARY), account)) {
    return { path: join(root, BINARY), libraries };
  }
  const copy = join(folder, 'native');
  cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return { path: join(copy, BINARY), libraries: libraries.replaceAll(root, copy) };
}

function missingPgbouncer(cause?: unknown): Error {
  return new Error(
    'Expected pgbouncer on the PATH, or apt to fetch it with. Do one of: apt-get install pgbouncer (Debian, Ubuntu), ' +
      'dnf install pgbouncer (Fedora), brew install pgbouncer (macOS)',
    { cause },
  );
}
