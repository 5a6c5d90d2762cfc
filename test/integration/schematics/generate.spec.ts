import { join } from 'node:path';
import ts from 'typescript';
import { startNestCli } from './nest-cli.js';
import { NestWorkspace } from './nest-workspace.js';
import type { NestApp } from './nest-workspace.js';

const ROOT = join(import.meta.dirname, '../../..');

const workspace = await NestWorkspace.create(startNestCli());
afterAll(() => workspace.remove());

const ACCOUNT = `import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

@Entity()
export class Account {
  @PrimaryKey({ type: 'uuid' })
  uuid!: string;

  @Property({ type: 'text' })
  name!: string;
}
`;

/** The settings of an app, with the sources of the library. */
function compilerOptions(app: NestApp): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(app.folder, 'tsconfig.json'), (path) =>
    ts.sys.readFile(path),
  ) as {
    config: { compilerOptions: object };
  };
  const parsed = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, app.folder);
  return {
    ...parsed.options,
    outDir: '/dist',
    noEmit: true,
    incremental: false,
    rootDir: '/',
    types: ['node', 'jest'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: {
      'nestjs-backfill': [join(ROOT, 'lib/index.ts')],
      'nestjs-backfill/testing': [join(ROOT, 'lib/testing/index.ts')],
    },
  };
}

/** TypeScript diagnostics of files of apps. */
function problemsIn(paths: readonly string[], options: ts.CompilerOptions): string[] {
  // One program: most of its time goes into the declarations of packages, which the apps share.
  const program = ts.createProgram(paths, options);
  // Not those of the sources of the library, which `npm run typecheck` checks.
  const sources = paths.map((path) => program.getSourceFile(path));
  return [
    program.getOptionsDiagnostics(),
    program.getGlobalDiagnostics(),
    ...sources.map((source) => program.getSyntacticDiagnostics(source)),
    ...sources.map((source) => program.getSemanticDiagnostics(source)),
  ]
    .flat()
    .map(
      ({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

describe.each([
  ['esm', '.js'],
  ['cjs', ''],
] as const)('nest g backfill in an app of kind %s', (kind, extension) => {
  let app: NestApp;
  beforeAll(async () => {
    app = await workspace.app(`generate-${kind}`, kind);
  });

  it('changes nothing in a dry run, and lists the changes', async () => {
    const before = await app.files();

    const { code, text } = await app.generate('renew', '--type', 'range', '--dry-run');

    expect({ code, files: await app.files() }).toEqual({ code: 0, files: before });
    expect(text).toMatch(/CREATE src\/renew\/renew\.backfill\.ts/);
    expect(text).toMatch(/CREATE src\/renew\/renew\.backfill\.spec\.ts/);
    expect(text).toMatch(/UPDATE src\/app\.module\.ts/);
  });

  it('creates a handler of each shape and its test, adds it to the nearest module, and is idempotent', async () => {
    await app.write(
      'src/billing/billing.module.ts',
      'import { Module } from "@nestjs/common"\n\n@Module({})\nexport class BillingModule {}\n',
    );

    await app.generate('renew-messages', '--type', 'range');
    await app.generate('CopyMessages', 'billing', '--type', 'batch:keyset:Message');
    await app.generate('ask about', '--type', 'row', '--flat', '--no-spec');

    const range = await app.read('src/renew-messages/renew-messages.backfill.ts');
    expect(range).toContain(`import { Message } from '../message.entity${extension}';`);
    expect(range).toContain('source: idRange(Message)');
    expect(range).toContain('implements RangeHandler<IdRange<MessageRow>>');
    expect(await app.read('src/renew-messages/renew-messages.backfill.spec.ts')).toContain(
      `from './renew-messages.backfill${extension}'`,
    );
    expect(await app.read('src/billing/copy-messages/copy-messages.backfill.ts')).toContain(
      "source: keyset(Message, { orderBy: { id: 'asc' } })",
    );
    expect(await app.read('src/billing/billing.module.ts')).toBe(
      `import { Module } from "@nestjs/common"\nimport { CopyMessages } from "./copy-messages/copy-messages.backfill${extension}"\n\n@Module({\n  providers: [\n    CopyMessages,\n  ],\n})\nexport class BillingModule {}\n`,
    );
    expect(await app.read('src/ask-about.backfill.ts')).toContain('implements RowHandler<MessageRow>');
    expect(await app.read('src/app.module.ts')).toContain('providers: [AppService, RenewMessages, AskAbout]');

    const once = await app.files();
    expect(Object.keys(once).filter((path) => /ask-about.*spec/.test(path))).toEqual([]);
    const { text } = await app.generate('renew-messages', '--type', 'range');
    expect(text).toContain('already exists and is not overwritten');
    expect(await app.files()).toEqual(once);
  });
});

it('generates code that compiles in apps of both kinds, for entity classes and for defineEntity', async () => {
  const kinds = ['esm', 'cjs'] as const;
  const apps: NestApp[] = [];
  const paths: string[] = [];
  for (const kind of kinds) {
    const app = await workspace.app(`compiled-${kind}`, kind);
    await app.generate('renew-messages', '--type', 'range');
    await app.generate('ask about', '--type', 'row', '--flat', '--no-spec');
    await app.write('src/account.entity.ts', ACCOUNT);
    const generated: string[] = [];
    for (const handler of ['range', 'batch', 'row']) {
      const name = `compiled-${handler}`;
      const entity = handler === 'batch' ? 'Message' : 'Account';
      const options = [`--name=${name}`, `--handler=${handler}`, '--source=keyset', `--entity=${entity}`];
      expect(await app.schematic('backfill', ...options)).toMatchObject({ code: 0 });
      generated.push(`src/${name}/${name}.backfill.ts`, `src/${name}/${name}.backfill.spec.ts`);
    }
    generated.push(
      'src/renew-messages/renew-messages.backfill.ts',
      'src/ask-about.backfill.ts',
      'src/app.module.ts',
    );
    expect(await app.read(generated[0] ?? '')).toContain("orderBy: { uuid: 'asc' }");
    expect(JSON.parse(await app.read('package.json'))).toMatchObject(
      kind === 'esm' ? { type: 'module' } : {},
    );
    apps.push(app);
    paths.push(...generated.map((path) => join(app.folder, path)));
  }

  const [options = {}, ...others] = apps.map(compilerOptions);
  expect(others).toEqual([options]);
  expect(problemsIn(paths, options)).toEqual([]);
});

describe('nest g backfill', () => {
  it('generates into the project given by --project', async () => {
    const app = await workspace.app('generate-monorepo', 'esm');
    expect(await app.nest('g', 'app', 'reports')).toMatchObject({ code: 0 });
    await app.write('apps/reports/src/report.entity.ts', ACCOUNT.replaceAll('Account', 'Report'));

    await app.generate('sum-up', '--project', 'reports', '--type', 'row');

    expect(await app.read('apps/reports/src/sum-up/sum-up.backfill.ts')).toContain(
      "import { Report } from '../report.entity.js'",
    );
    expect(await app.read('apps/reports/src/reports.module.ts')).toContain(
      'providers: [ReportsService, SumUp]',
    );
    const once = await app.files();
    await app.generate('sum-up', '--project', 'reports', '--type', 'row');
    expect(await app.files()).toEqual(once);
  });

  it('finds entities and the root module when generateOptions.baseDir is set', async () => {
    const app = await workspace.app('generate-based', 'cjs');
    await app.replace(
      'nest-cli.json',
      '"sourceRoot"',
      '"generateOptions": { "baseDir": "jobs" }, "sourceRoot"',
    );

    await app.generate('renew', '--type', 'batch');

    expect(await app.read('src/jobs/renew/renew.backfill.ts')).toContain("from '../../message.entity'");
    expect(await app.read('src/app.module.ts')).toContain("from './jobs/renew/renew.backfill'");
  });

  it('rejects an unknown shape and an unknown entity, and changes nothing', async () => {
    const app = await workspace.app('generate-refused', 'esm');
    const before = await app.files();

    expect((await app.generate('renew', '--type', 'table')).text).toMatch(
      /Expected handler to be range or batch or row, got "table"/,
    );
    expect((await app.generate('renew', '--type', 'row:keyset:Nothing')).text).toMatch(
      /Expected one entity Nothing below src\. Found: Message \(src\/message\.entity\.ts\)/,
    );
    expect(await app.files()).toEqual(before);
  });

  it('prints help for both schematics', async () => {
    const app = await workspace.app('generate-help', 'esm');
    const before = await app.files();

    const { code, text } = await app.nest('g', '-c', 'nestjs-backfill', 'help');

    expect(code).toBe(0);
    for (const word of [
      'nest add nestjs-backfill',
      '--skip-install',
      'backfill <name>',
      '--handler <range|batch|row>',
      '--entity <string>',
    ]) {
      expect(text).toContain(word);
    }
    expect(await app.files()).toEqual(before);
  });
});
