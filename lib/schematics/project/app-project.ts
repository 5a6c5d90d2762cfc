import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { readJsonText, readText } from './json-text.js';
import { SchematicError } from '../schematic.error.js';

interface NestProject {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

interface NestCli extends NestProject {
  readonly projects?: Readonly<Record<string, NestProject>>;
}

/** The options that say which app is meant. */
export interface ProjectOptions {
  readonly sourceRoot?: string;
  readonly project?: string;
  readonly module?: string;
}

/** The folder of the sources: of the project, the one around what was told, of `nest-cli.json`, or `src`. */
export function sourceRootOf(tree: Tree, { sourceRoot, project }: ProjectOptions): string {
  const config = (readJsonText(tree, 'nest-cli.json') ?? {}) as NestCli;
  const found = project === undefined ? undefined : config.projects?.[project];
  if (project !== undefined && found === undefined) {
    const known = Object.keys(config.projects ?? {}).join(', ') || 'none';
    throw new SchematicError(
      `There is no project ${JSON.stringify(project)} in nest-cli.json. Known: ${known}.`,
    );
  }
  const told = toldRoot(sourceRoot);
  // Nest tells its `generateOptions.baseDir` as part of the root, where the app module and entities are not.
  const around = [config, ...Object.values(config.projects ?? {})]
    .flatMap((it) => (it.sourceRoot === undefined ? [] : [posix.normalize(it.sourceRoot)]))
    .filter((root) => told === root || told?.startsWith(`${root}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  return posix.normalize(found?.sourceRoot ?? around ?? told ?? config.sourceRoot ?? 'src');
}

/** The folder that new files belong below: as told, else that of the sources. */
export function targetFolderOf(tree: Tree, options: ProjectOptions): string {
  return toldRoot(options.sourceRoot) ?? sourceRootOf(tree, options);
}

/** Nest's command line writes the word `undefined` where it knows no root. */
function toldRoot(sourceRoot: string | undefined): string | undefined {
  return sourceRoot === undefined || sourceRoot === 'undefined' ? undefined : posix.normalize(sourceRoot);
}

/** Whether relative imports end in `.js`: in a package of type `module`. */
export function isEsm(tree: Tree, folder: string): boolean {
  for (let at = folder; ; at = posix.dirname(at)) {
    const manifest = readJsonText(tree, posix.join(at, 'package.json')) as { type?: string } | undefined;
    if (manifest !== undefined) {
      return manifest.type === 'module';
    }
    if (at === '.' || at === '/' || at === posix.dirname(at)) {
      return false;
    }
  }
}

/** The file of the module that the app is created from. */
export function appModuleOf(tree: Tree, options: ProjectOptions): string {
  const root = sourceRootOf(tree, options);
  if (options.module !== undefined) {
    return existing(tree, [options.module, posix.join(root, options.module)]);
  }
  const entry = posix.join(root, 'main.ts');
  const text = readText(tree, entry) ?? '';
  const symbol = /NestFactory\s*\.\s*create\w*\s*(?:<[^>]*>)?\(\s*(\w+)/.exec(text)?.[1] ?? 'AppModule';
  const from = new RegExp(`import\\s*\\{[^}]*\\b${symbol}\\b[^}]*\\}\\s*from\\s*['"](\\.[^'"]+)['"]`).exec(
    text,
  )?.[1];
  const imported = from === undefined ? [] : [posix.join(root, `${from.replace(/\.js$/, '')}.ts`)];
  return existing(tree, [...imported, posix.join(root, 'app.module.ts')]);
}

/** The nearest module above a file, the app's own at the end. */
export function nearestModuleOf(tree: Tree, file: string, options: ProjectOptions): string {
  const root = sourceRootOf(tree, options);
  if (options.module === undefined) {
    for (let at = posix.dirname(file); at.startsWith(root) && at !== root; at = posix.dirname(at)) {
      const name = tree.getDir(at).subfiles.find((it) => it.endsWith('.module.ts'));
      if (name !== undefined) {
        return posix.join(at, name);
      }
    }
  }
  return appModuleOf(tree, options);
}

function existing(tree: Tree, candidates: readonly string[]): string {
  const found = candidates.find((it) => tree.exists(it));
  if (found === undefined) {
    throw new SchematicError(
      `Expected the app module at ${candidates.join(' or ')}. Name it: --module=src/app.module.ts.`,
    );
  }
  return found;
}
