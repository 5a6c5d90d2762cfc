import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { type Account, canReach, unprivilegedAccount } from '../../support/services/account.js';
import { freePort } from '../../support/services/free-port.js';
import { redisBinary } from '../../support/services/redis-binary.js';

export interface OwnServices {
  readonly urls: NodeJS.ProcessEnv;
  /** Ends them as Ctrl-C does. */
  end(): Promise<void>;
}

/** Runs `services.mjs` of the quick start on free ports, as somebody who is not root: PostgreSQL refuses that. */
export async function startOwnServices(folder: string): Promise<OwnServices> {
  const [postgresPort, redisPort] = await Promise.all([freePort(), freePort()]);
  const file = join(folder, 'services.mjs');
  const code = await readFile(file, 'utf8');
  const onFreePorts = code
    .replace("password: 'postgres',", `password: 'postgres', port: ${postgresPort},`)
    .replace("'--save', ''", `'--save', '', '--port', '${redisPort}'`);
  await writeFile(file, onFreePorts);
  const account = unprivilegedAccount();
  handOver(folder, account);
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', ...(await redisOnPath(folder, account)) },
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  const [printed] = (await Promise.race([once(child.stdout, 'data'), exited])) as [Buffer | number | null];
  if (!String(printed).includes('Ctrl-C')) {
    throw new Error(`Expected services.mjs to start, got ${String(printed)}`);
  }
  return {
    urls: {
      DATABASE_URL: `postgresql://postgres:postgres@localhost:${postgresPort}/postgres`,
      REDIS_URL: `redis://localhost:${redisPort}`,
    },
    end: async () => {
      child.kill('SIGINT');
      await exited;
    },
  };
}

function handOver(folder: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) {
    chmodSync(dirname(folder), 0o755);
    chownSync(folder, uid, gid);
  }
}

/** What has `redis-server` on the `PATH`, whether it is installed or Debian's packages are only unpacked. */
async function redisOnPath(folder: string, account: Account): Promise<NodeJS.ProcessEnv> {
  const { path, libraries } = await redisBinary();
  if (libraries === undefined) {
    return {};
  }
  const root = join(dirname(path), '../..');
  const reachable = canReach(path, account) ? root : join(folder, 'redis');
  if (reachable !== root) {
    cpSync(root, reachable, { recursive: true, verbatimSymlinks: true });
    chmodSync(reachable, 0o755);
  }
  return {
    PATH: [join(reachable, 'usr/bin'), process.env['PATH']].join(delimiter),
    LD_LIBRARY_PATH: libraries.replaceAll(root, reachable),
  };
}
