import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import { buildSchematics, NODE_MODULES } from './built-schematics.js';

const run = promisify(execFile);
const NEST = join(NODE_MODULES, '@nestjs/cli/bin/nest.js');
const RUNNER = join(NODE_MODULES, '@angular-devkit/schematics-cli/bin/schematics.js');

/** What a command wrote, and how it ended. */
export interface Answer {
  readonly code: number;
  readonly text: string;
}

/** Apps as Nest's own schematics make them, with the packages of the repository instead of an installation. */
export class NestWorkspace {
  private constructor(readonly folder: string) {}

  static async create(): Promise<NestWorkspace> {
    const workspace = new NestWorkspace(await mkdtemp(join(tmpdir(), 'nestjs-backfill-schematics-')));
    await buildSchematics(join(workspace.folder, 'package'));
    await workspace.link();
    return workspace;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  /** A fresh app of that kind, with an entity. */
  async app(name: string, type: 'esm' | 'cjs'): Promise<NestApp> {
    const options = [`--name=${name}`, `--type=${type}`, '--language=ts', '--observe=false'];
    await run(process.execPath, [RUNNER, '@nestjs/schematics:application', ...options], { cwd: this.folder });
    const app = new NestApp(join(this.folder, name));
    await app.write('src/message.entity.ts', MESSAGE);
    return app;
  }

  /** Found by the apps below, as Node looks for packages upwards. */
  private async link(): Promise<void> {
    const modules = join(this.folder, 'node_modules');
    await mkdir(modules);
    for (const name of await readdir(NODE_MODULES)) {
      await symlink(join(NODE_MODULES, name), join(modules, name));
    }
    await symlink(join(this.folder, 'package'), join(modules, 'nestjs-backfill'));
  }
}

/** An app, or a monorepo of several. */
export class NestApp {
  constructor(readonly folder: string) {}

  /** Runs Nest's command line in the app, without a terminal. */
  async nest(...words: string[]): Promise<Answer> {
    return this.exec(NEST, words);
  }

  /** `nest add` without the installation of the package itself, which is there already. */
  async add(...words: string[]): Promise<Answer> {
    return this.nest('add', 'nestjs-backfill', '--skip-install', ...words);
  }

  /** `nest g -c nestjs-backfill backfill`. */
  async generate(...words: string[]): Promise<Answer> {
    return this.nest('g', '-c', 'nestjs-backfill', 'backfill', ...words);
  }

  /** The runner underneath, which takes every option of a schematic. */
  async schematic(name: string, ...words: string[]): Promise<Answer> {
    return this.exec(RUNNER, [`nestjs-backfill:${name}`, ...words]);
  }

  /** Runs Nest's command line on a terminal and types each answer once its question is on the screen. */
  async onTerminal(words: string[], answers: readonly (readonly [RegExp, string])[]): Promise<string> {
    const { CI: _ci, ...env } = environment();
    const terminal = spawnTerminal(process.execPath, [NEST, ...words], { cwd: this.folder, env, cols: 120 });
    const left = [...answers];
    let screen = '';
    terminal.onData((chunk) => {
      screen += chunk;
      const next = left[0];
      if (next?.[0].test(screen)) {
        left.shift();
        terminal.write(next[1]);
      }
    });
    await new Promise((resolve) => terminal.onExit(resolve));
    return stripVTControlCharacters(screen);
  }

  async read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  async write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.folder, path)), { recursive: true });
    await writeFile(join(this.folder, path), text);
  }

  async replace(path: string, from: string, to: string): Promise<void> {
    const text = await this.read(path);
    expect(text).toContain(from);
    await this.write(path, text.replace(from, to));
  }

  /** Every file with its text, to compare what was before with what is after. */
  async files(): Promise<Record<string, string>> {
    const entries = await readdir(this.folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name));
    const read = paths.toSorted().map(async (path) => [path, await readFile(path, 'utf8')] as const);
    return Object.fromEntries(await Promise.all(read));
  }

  /** A copy that another test may change. */
  async copy(name: string): Promise<NestApp> {
    const folder = join(dirname(this.folder), name);
    await cp(this.folder, folder, { recursive: true });
    return new NestApp(folder);
  }

  private async exec(file: string, words: readonly string[]): Promise<Answer> {
    try {
      const { stdout, stderr } = await run(process.execPath, [file, ...words], {
        cwd: this.folder,
        env: environment(),
      });
      return { code: 0, text: stripVTControlCharacters(stdout + stderr) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, text: stripVTControlCharacters(stdout + stderr) };
    }
  }
}

/** What Jest sets would be taken for a wish: colours, and no moving of files. */
function environment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _colour, NODE_ENV: _test, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1' };
}

const MESSAGE = `import { defineEntity, p } from '@mikro-orm/core';

export const Message = defineEntity({
  name: 'Message',
  properties: { id: p.integer().primary(), body: p.text() },
});
`;
