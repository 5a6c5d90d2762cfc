import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../../..');
const guides = await readFile(join(root, 'sample/README.md'), 'utf8');
const snippets = [...guides.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);

/** Compiles a snippet as if it stood in the repository, under its own settings. */
function problemsOf(code: string): string[] {
  const file = join(root, 'test/integration/docs/snippet.ts');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [file] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) =>
    name === file ? ts.createSourceFile(name, code, version) : read(name, version);
  host.fileExists = (name) => name === file || ts.sys.fileExists(name);
  const program = ts.createProgram([file], options, host);
  const source = program.getSourceFile(file);
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

describe('the guides', () => {
  it('have snippets', () => {
    expect(snippets.length).toBeGreaterThan(2);
  });

  it.each(snippets.map((code) => [code.trim().split('\n').at(-1), code]))(
    'compile: …%s',
    (_end, code) => {
      expect(problemsOf(code ?? '')).toEqual([]);
    },
    120_000,
  );

  it('lead to sections that exist', () => {
    const titles = new Set(
      [...guides.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...guides.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);

    expect(links.filter((link) => !titles.has(link ?? ''))).toEqual([]);
  });
});
