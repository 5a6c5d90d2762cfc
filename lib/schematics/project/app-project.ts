import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { SchematicError } from '../schematic.error.js';
import { readJson, readText } from './tree-files.js';

interface NestProject {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

interface NestCliConfig extends NestProject {
  readonly projects?: Readonly<Record<string, NestProject>>;
}

/** Schematic options that select the app. */
export interface ProjectOptions {
  readonly sourceRoot?: string;
  readonly project?: string;
  readonly module?: string;
}

/**
 * The source root of the app. In order of precedence: that of `project` in `nest-cli.json`, the project
 * that contains the `sourceRoot` option, the `sourceRoot` option, `sourceRoot` of `nest-cli.json`, `src`.
 */
export function sourceRootOf(tree: Tree, options: ProjectOptions): string {
  const { project } = options;
  const config = (readJson(tree, 'nest-cli.json') ?? {}) as NestCliConfig;
  const selected = project === undefined ? undefined : config.projects?.[project];
  if (project !== undefined && selected === undefined) {
    const known = Object.keys(config.projects ?? {}).join(', ') || 'none';
    throw new SchematicError(
      `There is no project ${JSON.stringify(project)} in nest-cli.json. Known: ${known}.`,
    );
  }
  const given = givenRoot(options);
  // The Nest CLI appends `generateOptions.baseDir` to `sourceRoot`; entities and the app module are above it.
  const enclosing = [config, ...Object.values(config.projects ?? {})]
    .flatMap((it) => (it.sourceRoot === undefined ? [] : [posix.normalize(it.sourceRoot)]))
    .filter((root) => given === root || given?.startsWith(`${root}/`))
    .toSorted((a, b) => b.length - a.length)[0];
  return posix.normalize(selected?.sourceRoot ?? enclosing ?? given ?? config.sourceRoot ?? 'src');
}

/** The folder that new files are created below: the `sourceRoot` option, else the source root. */
export function targetFolderOf(tree: Tree, options: ProjectOptions): string {
  return givenRoot(options) ?? sourceRootOf(tree, options);
}

/** The Nest CLI passes the string `undefined` when it finds no source root. */
function givenRoot({ sourceRoot }: ProjectOptions): string | undefined {
  return sourceRoot === undefined || sourceRoot === 'undefined' ? undefined : posix.normalize(sourceRoot);
}

/** Whether the nearest `package.json` has `"type": "module"`, so that relative imports end in `.js`. */
export function isEsm(tree: Tree, folder: string): boolean {
  for (let at = folder; ; at = posix.dirname(at)) {
    const manifest = readJson(tree, posix.join(at, 'package.json')) as { type?: string } | undefined;
    if (manifest !== undefined) {
      return manifest.type === 'module';
    }
    if (at === posix.dirname(at)) {
      return false;
    }
  }
}

/** The file that creates the app: `entryFile` of `nest-cli.json`, `main.ts` by default. */
export function mainFileOf(tree: Tree, options: ProjectOptions): string {
  const root = sourceRootOf(tree, options);
  const config = (readJson(tree, 'nest-cli.json') ?? {}) as NestCliConfig;
  const projects = Object.values(config.projects ?? {});
  const project = projects.find(
    (it) => it.sourceRoot !== undefined && posix.normalize(it.sourceRoot) === root,
  );
  return posix.join(root, `${project?.entryFile ?? config.entryFile ?? 'main'}.ts`);
}

/** The file of the root module: the one that `main.ts` passes to `NestFactory`, else `app.module.ts`. */
export function appModuleOf(tree: Tree, options: ProjectOptions): string {
  const root = sourceRootOf(tree, options);
  if (options.module !== undefined) {
    return firstExisting(tree, [options.module, posix.join(root, options.module)]);
  }
  const main = readText(tree, mainFileOf(tree, options)) ?? '';
  const symbol = /NestFactory\s*\.\s*create\w*\s*(?:<[^>]*>)?\(\s*(\w+)/.exec(main)?.[1] ?? 'AppModule';
  const from = new RegExp(`import\\s*\\{[^}]*\\b${symbol}\\b[^}]*\\}\\s*from\\s*['"](\\.[^'"]+)['"]`).exec(
    main,
  )?.[1];
  const imported = from === undefined ? [] : [posix.join(root, `${from.replace(/\.js$/, '')}.ts`)];
  return firstExisting(tree, [...imported, posix.join(root, 'app.module.ts')]);
}

/** The file of the nearest module above a file, else of the root module. */
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

function firstExisting(tree: Tree, candidates: readonly string[]): string {
  const found = candidates.find((it) => tree.exists(it));
  if (found === undefined) {
    throw new SchematicError(
      `Expected the app module at ${candidates.join(' or ')}. Pass its path: --module=src/app.module.ts.`,
    );
  }
  return found;
}
