import { startNestCli } from './nest-cli.js';
import { NestWorkspace } from './nest-workspace.js';
import type { NestApp } from './nest-workspace.js';

const workspace = await NestWorkspace.create(startNestCli());
afterAll(() => workspace.remove());

const PEERS = [
  '@mikro-orm/core',
  '@mikro-orm/nestjs',
  '@nestjs/bullmq',
  '@nestjs/schedule',
  'bullmq',
  'ioredis',
];

describe.each(['esm', 'cjs'] as const)('nest add in an app of kind %s', (kind) => {
  let app: NestApp;
  beforeAll(async () => {
    app = await workspace.app(`add-${kind}`, kind);
  });

  it('changes nothing in a dry run, and lists the changes', async () => {
    const before = await app.files();

    const { code, text } = await app.add('--dry-run');

    expect({ code, files: await app.files() }).toEqual({ code: 0, files: before });
    expect(text).toMatch(/UPDATE src\/app\.module\.ts/);
    expect(text).toMatch(/UPDATE package\.json/);
  });

  it('adds the modules to the root module and the missing peers to package.json', async () => {
    const formerly = await app.read('src/app.module.ts');

    const { code, text } = await app.add();

    expect(code).toBe(0);
    expect(text).toMatch(/MikroOrmModule\.forRoot\(\{ \.\.\. \}\) from @mikro-orm\/nestjs/);
    expect(text).toContain(
      'Next step: add MikroOrmModule.forRoot({ ... }) to src/app.module.ts. Then: nest g -c nestjs-backfill backfill <name>.\n',
    );
    const module = await app.read('src/app.module.ts');
    expect(module).toContain(`  imports: [
    BullModule.forRoot({
      connection: { url: process.env.REDIS_URL ?? 'redis://localhost:6379' },
    }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({}),
  ],
  controllers: [AppController],`);
    const kept = formerly.split('\n').filter((line) => !line.includes('imports: ['));
    expect(kept.filter((line) => !module.split('\n').includes(line))).toEqual([]);
    const { dependencies } = JSON.parse(await app.read('package.json')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toEqual(expect.arrayContaining(PEERS));
    expect(dependencies['bullmq']).toMatch(/^\^6/);
  });

  it('enables the shutdown hooks', async () => {
    expect(await app.read('src/main.ts')).toContain(
      '  const app = await NestFactory.create(AppModule);\n  app.enableShutdownHooks();\n',
    );
  });

  it("leaves the files as the app's own Prettier formats them", async () => {
    expect(await app.unformatted()).toBe('');
  });

  it('changes nothing on a second run', async () => {
    const before = await app.files();

    const { code, text } = await app.add();

    expect({ code, files: await app.files() }).toEqual({ code: 0, files: before });
    expect(text).toContain('Nothing to be done.');
  });
});

describe('nest add', () => {
  it('keeps existing options, formatting, imports of other modules and versions', async () => {
    const app = await workspace.app('add-partial', 'cjs');
    await app.replace(
      'src/app.module.ts',
      'imports: []',
      "imports: [BullModule.forRoot('jobs', { connection: { host: 'redis' } }), ClockModule]",
    );
    await app.write(
      'src/clock.module.ts',
      '@Module({ imports: [ScheduleModule.forRoot({ cronJobs: false })] })\nexport class ClockModule {}\n',
    );
    const manifest = JSON.parse(await app.read('package.json')) as { dependencies: Record<string, string> };
    manifest.dependencies['@nestjs/core'] = '^11.2.0';
    manifest.dependencies['ioredis'] = '5.9.0';
    await app.write('package.json', JSON.stringify(manifest, null, '\t'));

    expect((await app.add()).code).toBe(0);

    const changed = await app.read('src/app.module.ts');
    expect(changed).toContain(
      "imports: [BullModule.forRoot('jobs', { connection: { host: 'redis' } }), ClockModule, BackfillModule.forRoot({})]",
    );
    expect(changed).not.toContain('ScheduleModule');
    const text = await app.read('package.json');
    expect(text).toMatch(/^\t"dependencies": \{\n\t\t"@mikro-orm\/core": "\^6/m);
    expect(JSON.parse(text)).toMatchObject({
      dependencies: { ioredis: '5.9.0', bullmq: expect.stringMatching(/^\^5\.81/) as string },
    });
  });

  it('adds a driver for tests beside the driver of the app, in the version of its MikroORM, and says what is next', async () => {
    const app = await workspace.app('add-driver', 'esm');
    await app.addPackages({ '@mikro-orm/core': '7.2.1', '@mikro-orm/postgresql': '7.2.1' });
    await app.replace('src/app.module.ts', 'imports: []', 'imports: [MikroOrmModule.forRoot(options)]');

    const { text } = await app.add();

    expect(JSON.parse(await app.read('package.json'))).toMatchObject({
      devDependencies: { '@mikro-orm/libsql': '7.2.1' },
    });
    expect(text.trimEnd().split('\n').at(-1)?.trim()).toBe(
      'Next step: nest g -c nestjs-backfill backfill <name>, which generates a handler and its test.',
    );
    expect((await app.add()).text).toContain('Nothing to be done.');
  });

  it.each([
    ['another SQLite', { '@mikro-orm/core': '7.2.1', '@mikro-orm/sqlite': '7.2.1' }],
    ['MongoDB alone', { '@mikro-orm/core': '7.2.1', '@mikro-orm/mongodb': '7.2.1' }],
  ])('adds no driver beside %s', async (title, packages) => {
    const app = await workspace.app(`add-beside-${title.split(' ')[0]?.toLowerCase()}`, 'esm');
    await app.addPackages(packages);

    await app.add();

    expect(await app.read('package.json')).not.toContain('libsql');
  });

  it('says that it could not enable the shutdown hooks, and leaves hooks of the app alone', async () => {
    const app = await workspace.app('add-main', 'cjs');
    await app.write('src/main.ts', "import { start } from './start';\n\nstart();\n");
    await app.write('src/start.ts', 'export const start = (): void => undefined;\n');

    expect((await app.add('--dry-run')).text).toMatch(
      /Found no app that is created in src\/main\.ts\. Call app\.enableShutdownHooks\(\)/,
    );
    await app.write('src/start.ts', "export const start = (app) => app.enableShutdownHooks(['SIGTERM']);\n");
    expect((await app.add()).text).not.toContain('enableShutdownHooks');
  });

  it('changes only the project given by --project', async () => {
    const app = await workspace.app('add-monorepo', 'esm');
    expect(await app.nest('g', 'app', 'reports')).toMatchObject({ code: 0 });
    const before = await app.read('apps/add-monorepo/src/app.module.ts');

    const { code } = await app.add('--project', 'reports');

    expect(code).toBe(0);
    expect(await app.read('apps/reports/src/reports.module.ts')).toContain('BackfillModule.forRoot({})');
    expect(await app.read('apps/add-monorepo/src/app.module.ts')).toBe(before);
    expect(await app.read('apps/reports/src/main.ts')).toContain('app.enableShutdownHooks();');
    expect(await app.read('apps/add-monorepo/src/main.ts')).not.toContain('enableShutdownHooks');
    expect(JSON.parse(await app.read('package.json'))).toMatchObject({
      dependencies: { bullmq: expect.any(String) as string },
    });

    const once = await app.files();
    await app.add('--project', 'reports');
    expect(await app.files()).toEqual(once);
  });

  it('explains the manual change when it cannot edit the module, and changes nothing', async () => {
    const app = await workspace.app('add-refused', 'cjs');
    await app.replace('src/app.module.ts', 'imports: []', 'imports: modules');
    const before = await app.files();

    const { code, text } = await app.add();

    expect(code).not.toBe(0);
    expect(text).toMatch(/imports of @Module in src\/app\.module\.ts to be an array literal/);
    expect(await app.files()).toEqual(before);
    expect((await app.add('--project', 'nothing')).text).toMatch(/There is no project "nothing"/);
  });
});
