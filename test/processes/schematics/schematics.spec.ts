import { NestWorkspace } from '../../integration/schematics/nest-workspace.js';
import { nestOnTerminal, nestPrograms } from './nest-programs.js';

// `test/integration/schematics` has every case, in one process.
const workspace = await NestWorkspace.create(nestPrograms);
afterAll(() => workspace.remove());

it.each(['esm', 'cjs'] as const)(
  'nest add and nest g backfill change an app of kind %s once',
  async (kind) => {
    const app = await workspace.app(`once-${kind}`, kind);
    const before = await app.files();

    expect((await app.add('--dry-run')).code).toBe(0);
    expect(await app.files()).toEqual(before);

    expect((await app.add()).code).toBe(0);
    const { code, text } = await app.generate('renew', '--type', 'batch:keyset:Message', '--no-spec');
    expect(code).toBe(0);
    expect(text).toMatch(/CREATE src\/renew\/renew\.backfill\.ts/);
    const module = await app.read('src/app.module.ts');
    expect(module).toContain('    BackfillModule.forRoot({}),\n');
    expect(module).toContain('providers: [AppService, Renew]');
    expect(await app.read('src/renew/renew.backfill.ts')).toContain(
      `import { Message } from '../message.entity${kind === 'esm' ? '.js' : ''}';`,
    );

    const once = await app.files();
    expect(Object.keys(once).filter((path) => /renew.*spec/.test(path))).toEqual([]);
    expect((await app.add()).text).toContain('Nothing to be done.');
    await app.generate('renew', '--type', 'batch:keyset:Message', '--no-spec');
    expect(await app.files()).toEqual(once);
  },
);

it('nest add and nest g backfill change only the project given by --project', async () => {
  const app = await workspace.app('monorepo', 'esm');
  expect(await app.nest('g', 'app', 'reports')).toMatchObject({ code: 0 });
  await app.write('apps/reports/src/report.entity.ts', await app.read('apps/monorepo/src/message.entity.ts'));
  const before = await app.read('apps/monorepo/src/app.module.ts');

  expect((await app.add('--project', 'reports')).code).toBe(0);
  await app.generate('sum-up', '--project', 'reports', '--type', 'row');

  expect(await app.read('apps/reports/src/reports.module.ts')).toContain('BackfillModule.forRoot({})');
  expect(await app.read('apps/reports/src/sum-up/sum-up.backfill.ts')).toContain(
    "from '../report.entity.js'",
  );
  expect(await app.read('apps/monorepo/src/app.module.ts')).toBe(before);
});

it('nest add exits with an error when it cannot edit the module', async () => {
  const app = await workspace.app('refused', 'cjs');
  await app.replace('src/app.module.ts', 'imports: []', 'imports: modules');
  const before = await app.files();

  const { code, text } = await app.add();

  expect(code).not.toBe(0);
  expect(text).toMatch(/imports of @Module in src\/app\.module\.ts to be an array literal/);
  expect(await app.files()).toEqual(before);
});

it('nest g backfill uses generateOptions.baseDir, and prompts on a terminal for missing options', async () => {
  const app = await workspace.app('asked', 'cjs');
  await app.replace(
    'nest-cli.json',
    '"sourceRoot"',
    '"generateOptions": { "baseDir": "jobs" }, "sourceRoot"',
  );
  const entity = await app.read('src/message.entity.ts');
  await app.write('src/account.entity.ts', entity.replaceAll('Message', 'Account'));

  const screen = await nestOnTerminal(
    app.folder,
    ['g', '-c', 'nestjs-backfill', 'backfill', 'renew'],
    [
      [/Which handler type\?[^]*\[1\] /, '3\r'],
      [/Which entity\?[^]*\[1\] /, 'Message\r'],
      [/Which source\?[^]*\[1\] /, '\r'],
    ],
  );

  expect(screen).toContain('CREATE src/jobs/renew/renew.backfill.ts');
  const text = await app.read('src/jobs/renew/renew.backfill.ts');
  expect(text).toContain('implements RowHandler<MessageRow>');
  expect(text).toContain("keyset(Message, { orderBy: { id: 'asc' } })");
  expect(text).toContain("from '../../message.entity'");
  expect(await app.read('src/app.module.ts')).toContain("from './jobs/renew/renew.backfill'");
});

it('nest g help prints both schematics', async () => {
  const app = await workspace.app('helped', 'esm');

  const { code, text } = await app.nest('g', '-c', 'nestjs-backfill', 'help');

  expect(code).toBe(0);
  expect(text).toContain('nest add nestjs-backfill');
  expect(text).toContain('backfill <name>');
});
