import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { SchematicError } from '../schematic.error.js';

/** A TypeScript source file of the app. */
export interface SourceFileText {
  readonly path: string;
  readonly text: string;
}

/** Reads a file as UTF-8 text; `undefined` when it does not exist. */
export function readText(tree: Tree, path: string): string | undefined {
  return tree.read(path)?.toString('utf8');
}

/**
 * Reads a file as JSON; `undefined` when it does not exist.
 *
 * @throws SchematicError when it is not valid JSON
 */
export function readJson(tree: Tree, path: string): unknown {
  const text = readText(tree, path);
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SchematicError(
      `Expected ${path} to be valid JSON. Correct the file and run the command again.`,
      {
        cause,
      },
    );
  }
}

/** Lists the TypeScript files below a folder, without declarations, tests and `node_modules`. */
export function* sourceFiles(tree: Tree, folder: string): Generator<SourceFileText> {
  const { subfiles, subdirs } = tree.getDir(folder);
  for (const name of subfiles) {
    const path = posix.join(folder, name);
    if (name.endsWith('.ts') && !/\.(d|spec|test|e2e-spec)\.ts$/.test(name)) {
      yield { path, text: readText(tree, path) ?? '' };
    }
  }
  for (const name of subdirs) {
    if (name !== 'node_modules') {
      yield* sourceFiles(tree, posix.join(folder, name));
    }
  }
}
