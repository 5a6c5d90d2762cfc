/**
 * `npm run demo`: starts PostgreSQL and Redis (or uses those of DATABASE_URL and REDIS_URL), runs the built
 * demo against them, and leaves nothing behind however it ends.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startServices } from '../../test/support/services/index.js';
import { borrowDatabase } from './borrow-database.js';
import { borrowKeys } from './borrow-keys.js';

const DEMO = fileURLToPath(new URL('../dist/demo/main.js', import.meta.url));
const BORROWED = `backfill_demo_${process.pid}`;

let demo: ReturnType<typeof spawn> | undefined;
let stopped: NodeJS.Signals | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    stopped = signal;
    demo?.kill(signal);
  });
}

console.log('Starting PostgreSQL and Redis');
try {
  process.exitCode = await demonstrate();
} catch (error) {
  // A signal also ends what is being started, and the error only tells of that.
  if (!stopped) {
    throw error;
  }
  process.exitCode = 128 + constants.signals[stopped];
}
process.exit();

async function demonstrate(): Promise<number> {
  const services = await startServices();
  try {
    const database = await borrowDatabase(services.postgres, BORROWED);
    const keys = borrowKeys(services.redis, BORROWED);
    try {
      return await run({ DATABASE_URL: database.url, REDIS_URL: keys.url, KEY_PREFIX: keys.prefix });
    } finally {
      await Promise.all([database.giveBack(), keys.giveBack()]);
    }
  } finally {
    await services.stop();
  }
}

async function run(environment: NodeJS.ProcessEnv): Promise<number> {
  if (stopped) {
    return 128 + constants.signals[stopped];
  }
  demo = spawn(process.execPath, ['--enable-source-maps', DEMO, ...process.argv.slice(2)], {
    // The demo ends by itself when the channel closes, should this process be killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...environment },
  });
  const [code, signal] = (await once(demo, 'exit')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}
