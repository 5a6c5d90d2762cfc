import { readFile } from 'node:fs/promises';

const ROOT = new URL('../../../', import.meta.url);

/** A page of the documentation. */
export interface Page {
  /** The code under a heading, a block each. */
  code(heading: string): string[];
  /** The first two cells of each line of the table under a heading, without their backquotes. */
  table(heading: string): [name: string, value: string][];
}

export interface Readme extends Page {
  /** The files of the quick start, by their paths. */
  readonly files: ReadonlyMap<string, string>;
  /** The commands of the quick start, as words. */
  readonly commands: readonly (readonly string[])[];
  /** The arguments of those that install something. */
  readonly installs: readonly (readonly string[])[];
}

export async function readReadme(): Promise<Readme> {
  const text = await read('README.md');
  const quickStart = section(text, 'Quick start');
  const commands = commandsOf(quickStart);
  return {
    ...pageOf(text),
    files: new Map([...jsonFiles(quickStart), ...codeFiles(quickStart)]),
    commands,
    installs: commands
      .filter(([command, verb]) => command === 'npm' && verb === 'install')
      .map(([, ...args]) => args),
  };
}

/** A guide, by the name of its file. */
export async function readGuide(name: string): Promise<Page> {
  return pageOf(await read(`sample/guides/${name}.md`));
}

function pageOf(text: string): Page {
  return {
    code: (heading) => codeOf(section(text, heading)),
    table: (heading) => tableOf(section(text, heading)),
  };
}

function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), 'utf8');
}

function codeOf(text: string): string[] {
  return [...text.matchAll(/```ts\n([^]*?)```/g)].map(([, block = '']) => block);
}

function section(text: string, heading: string): string {
  const [, marks, body] = new RegExp(`^(#+) ${heading}\\n([^]*)`, 'm').exec(text) ?? [];
  if (marks === undefined || body === undefined) {
    throw new Error(`Expected a heading "${heading}", got none`);
  }
  return body.split(`\n${marks} `)[0] ?? '';
}

/** A JSON file cannot carry a comment, so the sentence before it names it. */
function jsonFiles(text: string): [string, string][] {
  return [...text.matchAll(/`(\S+\.json)`:\n\n```json\n([^]*?)```/g)].map(([, path = '', body = '']) => [
    path,
    body,
  ]);
}

function codeFiles(text: string): [string, string][] {
  return [...text.matchAll(/```m?[jt]s\n\/\/ (\S+\.m?[jt]s)\n([^]*?)```/g)].map(
    ([, path = '', body = '']) => [path, body],
  );
}

function commandsOf(text: string): string[][] {
  const blocks = text.replaceAll('\\\n', ' ').matchAll(/```sh\n([^]*?)```/g);
  return Array.from(blocks, ([, lines = '']) => lines.trim().split('\n'))
    .flat()
    .map((line) => line.trim().split(/\s+/));
}

function tableOf(text: string): [string, string][] {
  const lines = text.split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => {
    const [, name = '', value = ''] = line.split('|').map((cell) => cell.trim());
    return [name.replaceAll(/[`*\\ ]/g, ''), value.replaceAll('`', '')];
  });
}
