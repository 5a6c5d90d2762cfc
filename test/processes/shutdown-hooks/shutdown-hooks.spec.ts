import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/apps/index.js';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import type { HooksSettings } from './hooks-app.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);

/** Starts an app, waits until it is up, and answers what it prints from then on. */
async function startApp(settings: Pick<HooksSettings, 'closes' | 'options'>) {
  const { NODE_ENV: _test, ...env } = process.env;
  const plan = { ...settings, database: { url: database.url }, redis: { connection: redis.connection } };
  const child = spawn(
    process.execPath,
    ['--import', path('../../support/swc/register.js'), path('./hooks-app.ts'), JSON.stringify(plan)],
    { stdio: ['ignore', 'pipe', 'pipe'], env },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  const exited = once(child, 'exit');
  const printed = () => text;
  await eventually('the app to be ready', printed, (it) => it.includes('ready'));
  return {
    printed,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

it('an app that would die of a signal warns after its start, and no other', async () => {
  const options = (workers: boolean) => ({ keyPrefix: redis.prefix, workers });
  // Each of these has its check before that of the last one, which is up after them.
  const others = await Promise.all([
    startApp({ closes: 'by hooks', options: options(true) }),
    startApp({ closes: 'by a listener', options: options(true) }),
    startApp({ closes: 'not', options: options(false) }),
  ]);
  const deaf = await startApp({ closes: 'not', options: options(true) });

  await eventually('the warning', deaf.printed, (text) => text.includes('app.enableShutdownHooks()'));

  expect(deaf.printed()).toMatch(/shutdown hooks are not enabled: a signal such as SIGTERM.* 30000 ms later/);
  expect(others.map(({ printed }) => printed().includes('shutdown hooks'))).toEqual([false, false, false]);
  await Promise.all([deaf, ...others].map(({ stop }) => stop()));
});
