import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { eventually } from '../../support/apps/eventually.js';
import { startPostgres, startRedis, startServices } from '../../support/services/index.js';

interface Owned {
  pid: number;
  folder: string;
  dataFolder: string;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

function startOwner(ending: string) {
  const owner = spawn(
    process.execPath,
    ['--import', path('../../support/swc/register.js'), path('./owner.ts'), ending],
    { detached: true, stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const servers = once(owner.stdout, 'data').then(([line]) => {
    const { postgres, redis } = JSON.parse(String(line)) as { postgres: Owned; redis: Owned };
    return [postgres, redis];
  });
  return { owner, gone: once(owner, 'exit'), servers };
}

/** A process that ended stays in the table while nobody asks for its exit code, as in a bare container. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !(existsSync('/proc/self/stat') && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  } catch {
    return false;
  }
}

async function expectGone(owned: readonly Owned[]): Promise<void> {
  await eventually(
    'servers and folders to be gone',
    () =>
      owned.filter(
        ({ pid, folder, dataFolder }) => isAlive(pid) || existsSync(folder) || existsSync(dataFolder),
      ),
    (left) => left.length === 0,
  );
}

async function select<T>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as T[];
  } finally {
    await client.end();
  }
}

describe('servers of an owner', () => {
  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)('are gone after %s', async (signal) => {
    const { owner, gone, servers } = startOwner('wait');
    const owned = await servers;
    expect(owned.every(({ pid, folder }) => isAlive(pid) && existsSync(folder))).toBe(true);
    expect(owned.every(({ dataFolder }) => existsSync(dataFolder))).toBe(true);

    // A terminal and a container end the whole group.
    process.kill(-owner.pid!, signal);
    await gone;

    await expectGone(owned);
  });

  it.each(['throw', 'stop'])('are gone after the owner ended by %s', async (ending) => {
    const { gone, servers } = startOwner(ending);
    const owned = await servers;
    expect(await gone).toEqual([ending === 'throw' ? 1 : 0, null]);

    await expectGone(owned);
  });
});

describe('startPostgres', () => {
  it('takes settings, recovers after a crash and restarts with its data', async () => {
    const server = await startPostgres({ maxConnections: 30, settings: { work_mem: '3MB' } });
    try {
      await select(server.url, 'CREATE TABLE kept AS SELECT 1 AS id');
      expect(await select(server.url, 'SHOW max_connections')).toEqual([{ max_connections: '30' }]);
      expect(await select(server.url, 'SHOW work_mem')).toEqual([{ work_mem: '3MB' }]);

      await server.kill();
      await expect(select(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
      await server.restart();
      await server.restart();
      expect(await select(server.url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    } finally {
      await server.stop();
    }
    expect(existsSync(server.folder)).toBe(false);
    expect(() => server.pid).toThrow('call restart() first');
  });

  it('keeps its data in memory where that is asked for and the system has room there', async () => {
    const server = await startPostgres({ inMemory: true });
    try {
      expect(await select(server.url, 'SHOW data_directory')).toEqual([
        { data_directory: `${server.dataFolder}/data` },
      ]);
      const { bavail, bsize } = statfsSync(server.dataFolder);
      expect(server.dataFolder === server.folder || bavail * bsize > 1e9).toBe(true);
    } finally {
      await server.stop();
    }
    expect(existsSync(server.dataFolder)).toBe(false);
  });

  it('says what PostgreSQL said when it does not start', async () => {
    await expect(startPostgres({ settings: { no_such_setting: 1 } })).rejects.toThrow('no_such_setting');
  });
});

describe('startRedis', () => {
  it('takes limits, keeps acknowledged writes over a crash and can be frozen', async () => {
    const server = await startRedis({
      appendonly: true,
      maxmemory: '32mb',
      maxmemoryPolicy: 'allkeys-lru',
      settings: { hz: 50 },
    });
    const client = new Redis(server.url, { retryStrategy: () => 20, commandTimeout: 5000 });
    client.on('error', () => {});
    try {
      expect(await client.config('GET', 'maxmemory*')).toEqual(
        expect.arrayContaining(['maxmemory', String(32 * 1024 * 1024), 'allkeys-lru']),
      );
      await client.set('kept', 'yes');
      await server.kill();
      await server.restart();
      expect(await client.get('kept')).toBe('yes');

      await server.pause();
      const answer = client.get('kept');
      expect(await Promise.race([answer, sleep(200, 'frozen')])).toBe('frozen');
      await server.resume();
      expect(await answer).toBe('yes');
      await server.pause();
    } finally {
      client.disconnect();
      await server.stop();
    }
    expect(existsSync(server.folder)).toBe(false);
  });
});

describe('startServices', () => {
  it('takes the servers that the environment names and leaves them running', async () => {
    const services = await startServices();
    expect(services.postgres).toMatchObject({ external: true, url: process.env['DATABASE_URL'] });
    expect(services.redis).toMatchObject({ external: true, url: process.env['REDIS_URL'] });

    await services.stop();
    expect(await select(services.postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
