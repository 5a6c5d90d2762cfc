import { join } from 'node:path';
import ts from 'typescript';
import { sized } from '../../support/thorough.js';
import { startNestCli } from '../../integration/schematics/nest-cli.js';
import { NestWorkspace } from '../../integration/schematics/nest-workspace.js';
import type { NestApp } from '../../integration/schematics/nest-workspace.js';

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

it("generates code in the format of the app's own Prettier, which its linter accepts", async () => {
  const lines: number[] = [];
  for (const kind of ['esm', 'cjs'] as const) {
    const app = await workspace.app(`formatted-${kind}`, kind);
    await app.write('src/account.entity.ts', ACCOUNT);
    for (const [i, shape] of ['range', 'batch', 'row'].entries()) {
      const sources = ['id-range:Message', 'keyset:Account'];
      for (const source of sources.filter((_, j) => sized(i % 2, j) === j)) {
        const name = `${shape}-of-rather-long-name-${source.slice(0, 2)}`;
        await app.generate(name, '--type', `${shape}:${source}`);
        const spec = await app.read(`src/${name}/${name}.backfill.spec.ts`);
        lines.push(spec.split('\n').length);
      }
    }
    expect(await app.unformatted()).toBe('');
    if (kind === 'esm') {
      // Vitest, whose types the app names, is not installed here.
      await app.replace('tsconfig.json', '"vitest/globals"', '"jest"');
    }
    // Those of typescript-eslint's recommended ones that need no types of packages.
    const rules = ['typescript/require-await', 'typescript/await-thenable', 'no-unused-vars'];
    expect(await app.lint(...rules)).toBe('');
  }
  expect(Math.max(...lines)).toBeLessThan(25);
});

it('follows the configuration of Prettier that the app has, and no Prettier that it does not use', async () => {
  const app = await workspace.app('formatted-own', 'cjs');
  await app.write('.prettierrc', '{ "semi": false, "tabWidth": 4 }');
  await app.generate('renew', '--type', 'row');
  const handler = await app.read('src/renew/renew.backfill.ts');
  expect(handler).toContain('import { Backfill, keyset } from "nestjs-backfill"\n');
  expect(handler).toContain('\n    processRow(');

  await app.replace('package.json', '"prettier"', '"prettier-of-others"');
  await app.generate('plain', '--type', 'row');
  expect(await app.read('src/plain/plain.backfill.ts')).toContain("from 'nestjs-backfill';\n");
});

describe('the generated test', () => {
  it('seeds rows in a database in memory, and adds the driver for it', async () => {
    const app = await workspace.app('test-memory', 'esm');
    await app.addPackages({ '@mikro-orm/core': '7.2.1', '@mikro-orm/postgresql': '7.2.1' });

    await app.schematic('backfill', '--name=renew', '--handler=batch', '--skip-install');

    const spec = await app.read('src/renew/renew.backfill.spec.ts');
    expect(spec).toContain('new BackfillHarness(new Renew());');
    expect(spec).toContain('await harness.seed(Message, 3);');
    expect(spec).toContain('toEqual({ rowsDone: 3, failures: [] })');
    expect(spec).not.toMatch(/MikroORM|process\.env/);
    expect(JSON.parse(await app.read('package.json'))).toMatchObject({
      devDependencies: { '@mikro-orm/libsql': '7.2.1' },
    });
  });

  it('uses MongoDB where that is the only database of the app', async () => {
    const app = await workspace.app('test-mongo', 'esm');
    await app.addPackages({ '@mikro-orm/core': '7.2.1', '@mikro-orm/mongodb': '7.2.1' });

    await app.schematic('backfill', '--name=renew', '--handler=batch', '--skip-install');

    expect(await app.read('src/renew/renew.backfill.spec.ts')).toContain("from '@mikro-orm/mongodb';");
    expect(await app.read('src/renew/renew.backfill.ts')).toContain("guard: 'none',");
    expect(await app.read('package.json')).not.toContain('libsql');
  });
});

describe('the default source', () => {
  const entity = (name: string, key: string) =>
    `import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';\n\n@Entity()\nexport class ${name} {\n  @PrimaryKey()\n  ${key}\n}\n`;

  it.each([
    ['a number', 'id!: number;', 'idRange(Thing)'],
    ['a bigint of another name', 'no!: bigint;', "idRange(Thing, { key: 'no' })"],
    ['a text', 'uuid!: string;', "keyset(Thing, { orderBy: { uuid: 'asc' } })"],
    [
      'several columns',
      'tenant!: number;\n\n  @PrimaryKey()\n  id!: number;',
      "keyset(Thing, { orderBy: { tenant: 'asc', id: 'asc' } })",
    ],
  ])('fits a key of %s', async (title, key, source) => {
    const app = await workspace.app(`key-${title.replaceAll(' ', '-')}`, 'esm');
    await app.write('src/message.entity.ts', entity('Thing', key));

    await app.generate('renew', '--type', 'range');

    expect((await app.read('src/renew/renew.backfill.ts')).replaceAll(/\s+/g, ' ')).toContain(
      `source: ${source}`,
    );
  });

  it('fits the key of a base class, and id-range of a text is refused', async () => {
    const app = await workspace.app('key-inherited', 'esm');
    const base = entity('Base', 'uuid!: string;').replace('@Entity()\nexport', 'export abstract');
    await app.write('src/base.ts', base);
    await app.write(
      'src/message.entity.ts',
      "import { Entity } from '@mikro-orm/decorators/legacy';\nimport { Base } from './base.js';\n\n@Entity()\nexport class Thing extends Base {}\n",
    );
    const before = await app.files();

    expect((await app.generate('renew', '--type', 'range:id-range')).text).toMatch(
      /Expected an entity with one primary key of type number or bigint for id-range, got Thing with uuid .*range:keyset:Thing/,
    );
    expect(await app.files()).toEqual(before);
    await app.generate('renew', '--type', 'range');
    expect(await app.read('src/renew/renew.backfill.ts')).toContain("orderBy: { uuid: 'asc' }");
  });
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
