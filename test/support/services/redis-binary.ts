import { delimiter, join } from 'node:path';
import { debianReleasePackage } from './debian-release.js';
import { debianPackage, onPath, type UnpackedPackages } from './debian-packages.js';

export interface RedisBinary {
  readonly path: string;
  /** Where its shared libraries are, if not where the system looks. */
  readonly libraries?: string;
  /** What loads it, if it comes with a C library of its own. */
  readonly loader?: string;
}

/** A server of a release of Debian. */
export interface RedisRelease {
  readonly server: 'redis-server' | 'valkey-server';
  /** Code name, such as `trixie`. */
  readonly debian: string;
}

const BINARY = 'usr/bin/redis-server';

/** Finds a server on the PATH, else in the cache, else fetches Debian's packages into the cache. */
export async function redisBinary(): Promise<RedisBinary> {
  const installed = await onPath('redis-server', 'valkey-server');
  if (installed) {
    return { path: installed };
  }
  let fetched: UnpackedPackages | undefined;
  try {
    fetched = await debianPackage('redis-server', BINARY, 'redis');
  } catch (cause) {
    throw missingRedis(cause);
  }
  if (!fetched) {
    throw missingRedis();
  }
  return { path: join(fetched.root, BINARY), libraries: fetched.libraries };
}

/** Fetches a server of another release into the cache. */
export async function redisOfRelease({ server, debian }: RedisRelease): Promise<RedisBinary> {
  const path = `usr/bin/${server}`;
  const { root, libraries, loader } = await debianReleasePackage(server, path, debian);
  return { path: join(root, path), libraries, loader };
}

/** What a server finds its libraries by. */
export function environmentOf({ libraries, loader }: RedisBinary): NodeJS.ProcessEnv {
  if (libraries === undefined) {
    return process.env;
  }
  // A loader is told its libraries as an argument; those of Lua are packages of their own in old releases.
  const modules = libraries.split(delimiter).map((folder) => `${folder}/lua/5.1/?.so`);
  return loader
    ? { ...process.env, LUA_CPATH: modules.join(';') }
    : { ...process.env, LD_LIBRARY_PATH: libraries };
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
