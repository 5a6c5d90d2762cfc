import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { buildPackage } from './built-package.js';

const run = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
const folder = await mkdtemp(join(tmpdir(), 'optional-peers-'));
const built = join(folder, 'package/dist');

beforeAll(async () => {
  await database.query('CREATE TABLE rows (id int PRIMARY KEY)');
  await database.query('INSERT INTO rows SELECT generate_series(1, 250)');
  await buildPackage(join(folder, 'package'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('without any of the optional peers', () => {
  it('the built package loads, and an app with the admin endpoints runs a backfill', async () => {
    const { stdout } = await run(
      process.execPath,
      ['--import', pathToFileURL(here('./refuse-peers.js')).href, here('./bare-app.js')],
      {
        env: {
          PATH: process.env['PATH'],
          DATABASE_URL: database.url,
          REDIS_URL: redis.url,
          KEY_PREFIX: redis.prefix,
          BUILT_PACKAGE: pathToFileURL(join(built, 'index.js')).href,
        },
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      refused: ['ERR_MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'],
      started: 201,
      state: 'completed',
      rowsDone: 250,
      page: 200,
      health: 'up',
      runs: 1,
    });
  });

  it.each(['index', 'testing/index', 'migrations/index', 'cli/index'])(
    'the types of %s name none of them',
    async (entry) => {
      const files = await declarationsFrom(join(built, `${entry}.d.ts`));
      expect(files.size).toBeGreaterThan(1);
      const naming = [...files].filter(([, text]) =>
        /@nestjs\/(?:swagger|terminus)|@opentelemetry/.test(code(text)),
      );
      expect(naming.map(([file]) => file)).toEqual([]);
    },
  );
});

/** A file of types and all that it leads to. */
async function declarationsFrom(
  file: string,
  seen = new Map<string, string>(),
): Promise<Map<string, string>> {
  const text = await readFile(file, 'utf8');
  seen.set(file, text);
  for (const [, specifier = ''] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) {
    const next = resolve(file, '..', `${specifier}.d.ts`);
    if (!seen.has(next)) {
      await declarationsFrom(next, seen);
    }
  }
  return seen;
}

/** Without comments, which may say what something is for. */
function code(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '');
}
