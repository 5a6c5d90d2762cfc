import { execFileSync } from 'node:child_process';
import { statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';

/** Whom a server runs as. Empty is whoever runs this process. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** PostgreSQL refuses to run as root, so root hands it to `nobody`. */
export function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) {
    return {};
  }
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Whether the account may pass through every folder down to the path. */
export function canReach(path: string, { uid, gid }: Account): boolean {
  if (uid === undefined) {
    return true;
  }
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const stat = statSync(folder);
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
    if ((stat.mode & bit) === 0) {
      return false;
    }
    if (folder === dirname(folder)) {
      return true;
    }
  }
}

export function reachableTemporaryFolder(account: Account): string {
  const candidates = [tmpdir(), '/tmp', '/var/tmp'];
  const found = candidates.find((it) => canReach(`${it}/x`, account));
  if (!found) {
    throw new Error(
      `Expected a temporary folder that uid ${account.uid} can reach, got ${candidates.join(', ')}`,
    );
  }
  return found;
}

/** What a server of a whole run of the tests needs by far, with its log of changes. */
const MEMORY_BYTES = 2 * 1024 ** 3;

/** A file system in memory that the account can reach, if there is one with room. Containers often have a tiny one. */
export function memoryFolder(account: Account): string | undefined {
  const folder = '/dev/shm';
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= MEMORY_BYTES && canReach(`${folder}/x`, account) ? folder : undefined;
  } catch {
    return undefined;
  }
}
