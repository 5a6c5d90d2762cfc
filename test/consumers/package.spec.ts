import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Editor } from './support/editor.js';
import { InstalledPackage } from './support/installed-package.js';
import { run } from './support/shell.js';
import { ownTool, packedLibrary, ROOT } from './support/tarball.js';

const installed = await InstalledPackage.install();
afterAll(() => installed.remove());

describe('the package', () => {
  it('is what publint asks for', async () => {
    await run(installed.app, ownTool('publint'), [packedLibrary(), '--strict']);
  });

  it('has types that resolve for ES modules and for CommonJS', async () => {
    await run(installed.app, ownTool('attw'), [packedLibrary(), '--profile', 'node16']);
  });

  it('has a module, its types and their maps for each TypeScript file, and the files without code', async () => {
    const sources = await installed.filesIn('lib');
    const others = (await filesWithoutCode()).toSorted();

    expect(sources.length).toBeGreaterThan(200);
    const compiled = (files: readonly string[]) =>
      files
        .flatMap((file) => ['.d.ts', '.d.ts.map', '.js', '.js.map'].map((end) => file.replace(/\.ts$/, end)))
        .toSorted();
    const inDist = (await installed.filesIn('dist')).filter((file) => !others.includes(file));
    expect(inDist.filter((file) => !file.startsWith('cjs/'))).toEqual(compiled(sources));
    // Nest's command line and the shell load ES modules.
    const common = (file: string) => !/^(?:schematics\/|cli\/main\.)/.test(file);
    expect((await installed.filesIn('dist/cjs')).filter((file) => !others.includes(file))).toEqual(
      [...compiled(sources.filter(common)), 'package.json'].toSorted(),
    );
    for (const file of others) {
      const source = await readFile(join(ROOT, 'lib', file), 'utf8');
      const copies = common(file) ? [`dist/${file}`, `dist/cjs/${file}`] : [`dist/${file}`];
      for (const copy of copies) {
        expect([copy, await installed.read(copy)]).toEqual([copy, source]);
      }
    }
  });

  it('has modules that read like their source: lines of a usual length, comments and embedded sources', async () => {
    for (const file of await installed.filesIn('lib')) {
      const source = await installed.read(`lib/${file}`);
      const code = await installed.read(`dist/${file.replace(/\.ts$/, '.js')}`);
      const map = JSON.parse(await installed.read(`dist/${file.replace(/\.ts$/, '.js.map')}`)) as object;

      expect([file, commentsOf(source).filter((comment) => !code.includes(comment))]).toEqual([file, []]);
      expect([file, code.length / code.split('\n').length < 100]).toEqual([file, true]);
      expect(map).toMatchObject({ sourcesContent: [source] });
    }
  });
});

describe('an editor', () => {
  const code = `import { Backfill, BackfillModule, idRange, keyset } from 'nestjs-backfill';
import type { BackfillConfig } from 'nestjs-backfill';
import 'nestjs-backfill/cli';
import 'nestjs-backfill/migrations';
import 'nestjs-backfill/testing';

export const uses = [Backfill, BackfillModule.forRoot, BackfillModule.forRootAsync, idRange, keyset];
export const rateOf = (config: BackfillConfig) => config.perSecondOnPeak;
`;
  const editor = new Editor(join(installed.app, 'consumer.ts'), code);

  it('finds no type error in a file that uses the package, nor in the declarations of the package', () => {
    expect(editor.problems(installed.folder)).toEqual([]);
  });

  it.each([
    'Backfill',
    'BackfillModule',
    'forRoot',
    'forRootAsync',
    'idRange',
    'keyset',
    'BackfillConfig',
    'perSecondOnPeak',
  ])('shows the documentation of %s, and goes to its definition in TypeScript', async (name) => {
    const shown = editor.hover(name);
    const { file, line } = editor.definition(name);
    const source = await readFile(file, 'utf8');

    expect(shown.length).toBeGreaterThan(60);
    expect(file).toMatch(/\/app\/node_modules\/nestjs-backfill\/lib\/.*\.ts$/);
    expect(source.split('\n')[line - 1]).toContain(name);
    expect(textOf(source)).toContain(textOf(shown));
  });

  it('shows documentation of all that is exported', () => {
    const exported = editor.exported();

    expect(exported.length).toBeGreaterThan(80);
    expect(exported.filter(([, documentation]) => documentation === '')).toEqual([]);
  });
});

describe('a stack trace from inside the package', () => {
  const script = `import { batchExecute } from 'nestjs-backfill/migrations';
await batchExecute({}, { stepSize: 0 }).catch(({ stack }) => console.log(stack));`;

  it('names the function', async () => {
    expect(await trace()).toMatch(/at batchExecute \(.*\/dist\/migrations\/batch-execute\.js:\d+:\d+\)/);
  });

  it('names the file and line of TypeScript with --enable-source-maps', async () => {
    const stack = await trace('--enable-source-maps');
    const [, path = '', line] = /at batchExecute \((?:file:\/\/)?(.*):(\d+):\d+\)/.exec(stack) ?? [];

    expect(path).toBe(join(installed.folder, 'lib/migrations/batch-execute.ts'));
    expect((await readFile(path, 'utf8')).split('\n')[Number(line) - 1]).toContain(
      "assertWholeNumber('stepSize'",
    );
  });

  function trace(...options: string[]): Promise<string> {
    return run(installed.app, process.execPath, [...options, '--input-type=module', '--eval', script]);
  }
});

/** The documentation of functions, classes and constants, which `tsc` keeps where it drops that of types and overloads. */
function commentsOf(source: string): string[] {
  const pattern =
    /\/\*\*(?:(?!\*\/)[^])*\*\/(?=\n(?:export )?(?:async )?(?:function(?:(?!;\n|\{\n)[^])*\{\n|class|const))/g;
  return [...source.matchAll(pattern)].map(([comment]) => comment);
}

/** Text on one line, without the stars of a comment. */
function textOf(text: string): string {
  return text.replaceAll(/\n\s*\*/g, ' ').replaceAll(/\s+/g, ' ');
}

/** Lua scripts, files of the page and schemas, by their paths in `lib`. */
async function filesWithoutCode(): Promise<string[]> {
  const entries = await readdir(join(ROOT, 'lib'), { recursive: true });
  return entries.filter((file) => /\.\w+$/.test(file) && !/\.ts$|^tsconfig/.test(file));
}
