import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { unprivilegedAccount } from './account.js';
import { freePort } from './free-port.js';
import { createGuardedFolder } from './guarded-folder.js';
import { type OwnServer, startOwnServer } from './own-server.js';
import { postgresBinaries } from './postgres-binaries.js';
import { startOnFreePort } from './server-process.js';

const run = promisify(execFile);

export interface PostgresOptions {
  /** @default 200 */
  maxConnections?: number;
  /**
   * Whether data survive a crash of the machine. A crash of PostgreSQL alone loses nothing either way.
   *
   * @default false
   */
  fsync?: boolean;
  /**
   * Whether data are kept in memory, where the system has a file system there with room: creating databases and tables
   * takes a tenth of the processor time then.
   *
   * @default false
   */
  inMemory?: boolean;
  /** More of `postgresql.conf`. */
  settings?: Record<string, string | number | boolean>;
}

/** A crash breaks connections and writes nothing: the next start recovers from the log. */
export type PostgresServer = OwnServer;

/** Starts a PostgreSQL of its own, whatever `DATABASE_URL` says. It ends with this process at the latest. */
export function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  return startOnFreePort(() => start(options));
}

async function start(options: PostgresOptions): Promise<PostgresServer> {
  const account = unprivilegedAccount();
  const folder = createGuardedFolder('postgres', 'QUIT', account, options.inMemory);
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const url = `postgresql://postgres@${host}:${port}/postgres`;
    const { initdb, postgres } = await postgresBinaries(folder.path, account);
    const data = join(folder.dataPath, 'data');
    await run(
      initdb,
      [
        '-D',
        data,
        '-U',
        'postgres',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--no-locale',
        '--no-sync',
        '--no-instructions',
      ],
      { cwd: folder.path, ...account },
    );
    const settings = {
      listen_addresses: host,
      port,
      unix_socket_directories: '',
      max_connections: options.maxConnections ?? 200,
      fsync: options.fsync ?? false,
      full_page_writes: options.fsync ?? false,
      ...(options.inMemory ? { max_wal_size: '256MB' } : {}),
      ...options.settings,
    };
    return await startOwnServer(
      folder,
      {
        name: 'PostgreSQL',
        binary: postgres,
        args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
        account,
        isReady: () => answers(url),
      },
      { url, host, port, crash: 'SIGQUIT', end: 'SIGINT' },
    );
  } catch (error) {
    await folder.release();
    throw error;
  }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
