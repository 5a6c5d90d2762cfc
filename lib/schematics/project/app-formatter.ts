import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { SchematicContext, Tree } from '@angular-devkit/schematics';
import type { Manifest } from './manifest.js';
import { readJson, readText } from './tree-files.js';

/** Methods used of Prettier 2 and 3. */
interface Prettier {
  resolveConfig(file: string, options: object): object | null | Promise<object | null>;
  getFileInfo(file: string, options: object): Promise<{ readonly ignored: boolean }>;
  format(text: string, options: object): string | Promise<string>;
}

/** Formats files as the Prettier of the app does, with its configuration; without Prettier it leaves them as they are. */
export class AppFormatter {
  private constructor(
    private readonly prettier: Prettier | null,
    private readonly folder: string,
    private readonly context: SchematicContext,
  ) {}

  /** @param folder folder of the app on the disk, where its packages are */
  static of(tree: Tree, context: SchematicContext, folder = process.cwd()): AppFormatter {
    // One that another package has brought along says nothing about the app.
    const manifest = (readJson(tree, 'package.json') ?? {}) as Manifest;
    const isUsed = 'prettier' in { ...manifest.dependencies, ...manifest.devDependencies };
    return new AppFormatter(isUsed ? load(folder) : null, folder, context);
  }

  /** The formatted text of a file. */
  async format(path: string, text: string): Promise<string> {
    const { prettier } = this;
    if (prettier === null) {
      return text;
    }
    const file = join(this.folder, path);
    try {
      const { ignored } = await prettier.getFileInfo(file, {
        ignorePath: join(this.folder, '.prettierignore'),
      });
      const config = await prettier.resolveConfig(file, { editorconfig: true });
      return ignored ? text : await prettier.format(text, { ...config, filepath: file });
    } catch (error) {
      this.context.logger.debug(`Prettier cannot format ${path}: ${String(error)}`);
      return text;
    }
  }

  /** Edits a file; one that was formatted before is formatted after the edit, any other one keeps its own format. */
  async edit(tree: Tree, path: string, edit: () => void): Promise<void> {
    const before = readText(tree, path) ?? '';
    edit();
    const after = readText(tree, path) ?? '';
    if (after !== before && (await this.format(path, before)) === before) {
      tree.overwrite(path, await this.format(path, after));
    }
  }
}

function load(folder: string): Prettier | null {
  try {
    return createRequire(join(folder, 'package.json'))('prettier') as Prettier;
  } catch {
    // Not installed yet.
    return null;
  }
}
