import { execFile } from 'node:child_process';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { unprivilegedAccount, type Account } from './account.js';
import { freePort } from './free-port.js';
import { createGuardedFolder, type GuardedFolder } from './guarded-folder.js';
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

/** Starts a standby of a server that was started here, as a copy of its data. It streams what the server writes. */
export function startStandby(primary: PostgresServer): Promise<PostgresServer> {
  return startOnFreePort(() => start({}, primary));
}

async function start(options: PostgresOptions, primary?: PostgresServer): Promise<PostgresServer> {
  const account = unprivilegedAccount();
  const folder = createGuardedFolder('postgres', 'QUIT', account, options.inMemory);
  try {
    const host = '127.0.0.1';
    const port = await freePort();
    const url = `postgresql://postgres@${host}:${port}/postgres`;
    const { initdb, postgres } = await postgresBinaries(folder.path, account);
    const data = join(folder.dataPath, 'data');
    await (primary ? copyData(primary, data, account) : makeData(initdb, data, folder, account));
    const settings = {
      listen_addresses: host,
      port,
      unix_socket_directories: '',
      max_connections: options.maxConnections ?? 200,
      fsync: options.fsync ?? false,
      full_page_writes: options.fsync ?? false,
      ...(options.inMemory ? { max_wal_size: '256MB' } : {}),
      ...options.settings,
      ...(primary
        ? { primary_conninfo: `host=${primary.host} port=${primary.port} user=postgres`, archive_mode: 'off' }
        : {}),
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

async function makeData(
  initdb: string,
  data: string,
  folder: GuardedFolder,
  account: Account,
): Promise<void> {
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
}

/** What `pg_basebackup` does, which the tests' PostgreSQL comes without. */
async function copyData(primary: PostgresServer, data: string, { uid, gid }: Account): Promise<void> {
  const client = new Client({ connectionString: primary.url });
  await client.connect();
  try {
    await client.query(`SELECT pg_backup_start('standby', true)`);
    // Files may go while they are copied: the write-ahead log has what is missing.
    await run('cp', ['-a', join(primary.dataFolder, 'data'), data]).catch(() => undefined);
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    await rm(join(data, 'postmaster.pid'), { force: true });
    for (const [name, content] of [
      ['backup_label', rows[0]?.labelfile ?? ''],
      ['standby.signal', ''],
    ] as const) {
      await writeFile(join(data, name), content);
      if (uid !== undefined && gid !== undefined) {
        await chown(join(data, name), uid, gid);
      }
    }
  } finally {
    await client.end();
  }
}

/** Whether a server, or a pooler before it, answers statements. */
export async function answers(url: string): Promise<boolean> {
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
