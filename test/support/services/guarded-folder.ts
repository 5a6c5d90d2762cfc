import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './account.js';
import { memoryFolder, reachableTemporaryFolder } from './account.js';

export interface GuardedFolder {
  readonly path: string;
  /** Where the server keeps its data: `path`, or a folder in memory. Goes with it. */
  readonly dataPath: string;
  /** The server's process id is written here, before the server starts. */
  readonly pidFile: string;
  /** Ends the server, removes the folder. */
  release(): Promise<void>;
}

/**
 * The guard is a shell that waits for the end of its standard input. The operating system closes the pipe
 * when the owner closes it or ends in any way, SIGKILL included, so one path of clean-up serves them all.
 */
const GUARD = `
trap '' HUP INT TERM
read -r _
pid=$(cat "$1/server.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -s "$2" -- "-$pid"
  kill -s CONT -- "-$pid"
  tries=0
  while kill -0 "$pid" && [ "$tries" -lt 100 ]; do
    case "$(cut -d ')' -f 2 "/proc/$pid/stat")" in ' Z'*) break ;; esac
    sleep 0.05
    tries=$((tries + 1))
  done
  kill -s KILL -- "-$pid"
fi
rm -rf -- "$1" "$3" || { sleep 0.5; rm -rf -- "$1" "$3"; }
`;

/**
 * Makes a temporary folder that never outlives this process.
 *
 * @param signal what ends the server in it; SIGKILL follows after 5 s
 * @param inMemory whether data are kept in memory where the system has a file system there with room
 */
export function createGuardedFolder(
  name: string,
  signal: 'QUIT' | 'KILL',
  account: Account,
  inMemory = false,
): GuardedFolder {
  const prefix = `nestjs-backfill-${name}-`;
  const path = mkdtempSync(join(reachableTemporaryFolder(account), prefix));
  const memory = inMemory ? memoryFolder(account) : undefined;
  const dataPath = memory === undefined ? path : mkdtempSync(join(memory, prefix));
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', path, signal, dataPath], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = once(guard, 'exit');
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  guard.stdin.on('error', () => {});
  for (const folder of new Set([path, dataPath])) {
    chmodSync(folder, 0o755);
    if (account.uid !== undefined && account.gid !== undefined) {
      chownSync(folder, account.uid, account.gid);
    }
  }
  return {
    path,
    dataPath,
    pidFile: join(path, 'server.pid'),
    release: async () => {
      guard.ref();
      guard.stdin.end();
      await gone;
    },
  };
}
