import { posix } from 'node:path';
import type { Tree } from '@angular-devkit/schematics';
import { readText } from './json-text.js';

/** A source file of the app. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

/** The TypeScript files below a folder, tests left out. */
export function* sourceFiles(tree: Tree, folder: string): Generator<SourceText> {
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
