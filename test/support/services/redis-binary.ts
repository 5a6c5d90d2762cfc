import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface RedisBinary {
  readonly path: string;
  /** Where its shared libraries are, if not where the system looks. */
  readonly libraries?: string;
}

/** Finds a server on the PATH, else in the cache, else fetches Debian's packages into the cache. */
export async function redisBinary(): Promise<RedisBinary> {
  const installed = await onPath('redis-server', 'valkey-server');
  if (installed) {
    return { path: installed };
  }
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nestjs-backfill');
  const folder = join(cache, `redis-${process.arch}`);
  const cached = await unpacked(folder);
  if (cached) {
    return cached;
  }
  if (!(await onPath('apt-get')) || !(await onPath('dpkg'))) {
    throw missingRedis();
  }
  try {
    await fetchFromDebian(cache, folder);
  } catch (cause) {
    throw missingRedis(cause);
  }
  const fetched = await unpacked(folder);
  if (!fetched) {
    throw missingRedis();
  }
  return fetched;
}

async function onPath(...names: string[]): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return firstExecutable(names.flatMap((name) => folders.map((folder) => join(folder, name))));
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // The next one may be.
    }
  }
  return undefined;
}

async function unpacked(folder: string): Promise<RedisBinary | undefined> {
  const path = await firstExecutable([join(folder, 'usr/bin/redis-server')]);
  if (!path) {
    return undefined;
  }
  const roots = [join(folder, 'usr/lib'), join(folder, 'lib')];
  const triplets = await Promise.all(
    roots.map(async (root) => {
      const names = await readdir(root).catch(() => []);
      return names.filter((name) => name.includes('-linux-')).map((name) => join(root, name));
    }),
  );
  const libraries = [...triplets.flat(), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter);
  try {
    await run(path, ['--version'], { env: { ...process.env, LD_LIBRARY_PATH: libraries } });
  } catch {
    // Cached for another release of the system.
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  return { path, libraries };
}

/**
 * Downloads what the system lacks for `redis-server` and unpacks it without installing anything. The state
 * of apt is our own, so this needs no root and leaves no trace; `--download-only` leaves out what is installed.
 * The rename at the end lets two processes do this at once.
 */
async function fetchFromDebian(cache: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    const options = Object.entries({
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': work,
      'Dir::Cache::archives': join(work, 'archives'),
      'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
      'Debug::NoLocking': '1',
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    await mkdir(join(work, 'lists/partial'), { recursive: true });
    await mkdir(join(work, 'archives/partial'), { recursive: true });
    await run('apt-get', ['-qq', ...options, 'update']);
    const install = ['install', '--yes', '--download-only', '--no-install-recommends', 'redis-server'];
    await run('apt-get', ['-qq', ...options, ...install]);
    const root = join(work, 'root');
    for (const file of await readdir(join(work, 'archives'))) {
      if (file.endsWith('.deb')) {
        await run('dpkg', ['-x', join(work, 'archives', file), root]);
      }
    }
    await rename(root, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') {
        throw error;
      }
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function missingRedis(cause?: unknown): Error {
  return new Error(
    [
      'Expected REDIS_URL, or redis-server or valkey-server on the PATH, got neither. Do one of:',
      '  Debian, Ubuntu:  apt-get install redis-server',
      '  Fedora:          dnf install valkey',
      '  Alpine:          apk add redis',
      '  macOS:           brew install redis',
      '  Docker:          docker run -d -p 6379:6379 redis:7 && export REDIS_URL=redis://127.0.0.1:6379',
    ].join('\n'),
    { cause },
  );
}
