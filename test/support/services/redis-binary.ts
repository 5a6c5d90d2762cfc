import { join } from 'node:path';
import { debianPackage, onPath, type UnpackedPackages } from './debian-packages.js';

export interface RedisBinary {
  readonly path: string;
  /** Where its shared libraries are, if not where the system looks. */
  readonly libraries?: string;
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
