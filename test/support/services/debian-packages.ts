import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Debian's packages, unpacked and not installed. */
export interface UnpackedPackages {
  readonly root: string;
  /** Where their shared libraries are, as `LD_LIBRARY_PATH` takes it. */
  readonly libraries: string;
}

/**
 * Finds what a package brings in the cache, else fetches it and all that the system lacks for it.
 *
 * @param binary a program that must run, by its path below the root; what was cached for another release of
 * the system does not, and is fetched again
 * @returns `undefined` on a system without apt
 */
export async function debianPackage(
  name: string,
  binary: string,
  cachedAs = name,
): Promise<UnpackedPackages | undefined> {
  const cache = cacheFolder();
  const folder = join(cache, `${cachedAs}-${process.arch}`);
  const cached = await unpacked(folder, binary);
  if (cached) {
    return cached;
  }
  if (!(await onPath('apt-get')) || !(await onPath('dpkg'))) {
    return undefined;
  }
  await fetchFromDebian(name, cache, folder);
  return unpacked(folder, binary);
}

/** Where unpacked packages are kept. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'nestjs-backfill');
}

/** The first of these programs that the system has. */
export async function onPath(...names: string[]): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  return firstExecutable(names.flatMap((name) => folders.map((folder) => join(folder, name))));
}

export async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
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

/** The folders of shared libraries below a root, as `LD_LIBRARY_PATH` takes them. */
export async function librariesOf(root: string): Promise<string> {
  const roots = [join(root, 'usr/lib'), join(root, 'lib')];
  const triplets = await Promise.all(
    roots.map(async (parent) => {
      const names = await readdir(parent).catch(() => []);
      return names.filter((name) => name.includes('-linux-')).map((name) => join(parent, name));
    }),
  );
  return [...triplets.flat(), process.env['LD_LIBRARY_PATH']].filter(Boolean).join(delimiter);
}

async function unpacked(root: string, binary: string): Promise<UnpackedPackages | undefined> {
  const path = await firstExecutable([join(root, binary)]);
  if (!path) {
    return undefined;
  }
  const libraries = await librariesOf(root);
  try {
    await run(path, ['--version'], { env: { ...process.env, LD_LIBRARY_PATH: libraries } });
  } catch {
    // Cached for another release of the system.
    await rm(root, { recursive: true, force: true });
    return undefined;
  }
  return { root, libraries };
}

/**
 * Downloads what the system lacks for a package and unpacks it without installing anything. The state of
 * apt is our own, so this needs no root and leaves no trace; `--download-only` leaves out what is installed.
 * The rename at the end lets two processes do this at once.
 *
 * @param settings more settings of apt, for a folder of its own
 */
export async function fetchFromDebian(
  name: string,
  cache: string,
  folder: string,
  settings: (work: string) => Promise<Record<string, string>> = async () => ({}),
): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    const options = Object.entries({
      'Dir::State::lists': join(work, 'lists'),
      'Dir::Cache': work,
      'Dir::Cache::archives': join(work, 'archives'),
      'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
      'Debug::NoLocking': '1',
      ...(await settings(work)),
    }).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
    await mkdir(join(work, 'lists/partial'), { recursive: true });
    await mkdir(join(work, 'archives/partial'), { recursive: true });
    await run('apt-get', ['-qq', ...options, 'update']);
    const install = ['install', '--yes', '--download-only', '--no-install-recommends', name];
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
