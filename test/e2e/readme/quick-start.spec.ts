import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, createTestRedis } from '../../support/databases/index.js';
import { buildPackage, NODE_MODULES } from './built-package.js';
import { readReadme } from './readme.js';

const run = promisify(execFile);
const OWN_NAME = 'nestjs-backfill';

const { files, packages } = await readReadme();
const [database, redis] = await Promise.all([createTestDatabase(), createTestRedis()]);
const folder = await mkdtemp(join(tmpdir(), 'quick-start-'));
const project = join(folder, 'project');
afterAll(() => rm(folder, { recursive: true }));

/** What `npm install` would do: everything from this repository's folder, the package itself as it is built. */
async function install(): Promise<void> {
  const modules = join(project, 'node_modules');
  await mkdir(modules, { recursive: true });
  for (const name of await readdir(NODE_MODULES)) {
    if (name !== OWN_NAME && !name.startsWith('.')) {
      await symlink(join(NODE_MODULES, name), join(modules, name));
    }
  }
  await buildPackage(join(folder, 'package'));
  await symlink(join(folder, 'package'), join(modules, OWN_NAME));
}

describe('the quick start of the README', () => {
  it('installs every package that it imports', () => {
    const imports = [...files.values()].join('\n').matchAll(/(?:from|import) '([^'.][^']*)'/g);
    const names = Array.from(
      imports,
      ([, specifier = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '',
    );
    const wanted = new Set(
      names.filter((name) => !name.startsWith('node:') && !builtinModules.includes(name)),
    );
    expect(wanted.size).toBeGreaterThan(5);
    expect([...wanted].filter((name) => !packages.includes(name))).toEqual([]);
  });

  it('compiles, runs to the end and fills every row', async () => {
    expect([...files.keys()]).toEqual([
      'package.json',
      'tsconfig.json',
      'src/customer.entity.ts',
      'src/fill-email-domain.backfill.ts',
      'src/app.module.ts',
      'src/main.ts',
    ]);
    await install();
    for (const [path, body] of files) {
      await mkdir(dirname(join(project, path)), { recursive: true });
      await writeFile(join(project, path), body);
    }

    const env = { PATH: process.env['PATH'], DATABASE_URL: database.url, REDIS_URL: redis.url };
    await run(process.execPath, [join(NODE_MODULES, 'typescript/bin/tsc')], { cwd: project, env }).catch(
      ({ stdout }: { stdout: string }) => expect(stdout).toBe(''),
    );
    const { stdout } = await run(process.execPath, ['dist/main.js'], { cwd: project, env });

    expect(stdout.trimEnd().split('\n').at(-1)).toBe('completed 100 % 10000/10000');
    const [counts] = await database.query(
      `select count(*)::int as rows, count(*) filter (where email_domain = 'example.com')::int as filled from customers`,
    );
    expect(counts).toEqual({ rows: 10_000, filled: 10_000 });
  }, 180_000);
});
