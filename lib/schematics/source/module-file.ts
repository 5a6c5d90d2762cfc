import type { Tree } from '@angular-devkit/schematics';
import { readText } from '../project/json-text.js';
import { ModuleSource } from './module-source.js';
import type { ModuleEntry } from './module-source.js';
import { typescriptOf } from './typescript-api.js';

/** Adds an entry to the module in a file; where it is there already, the file is not touched. */
export function addToModule(tree: Tree, path: string, entry: ModuleEntry): void {
  const text = readText(tree, path) ?? '';
  const changed = new ModuleSource(typescriptOf(process.cwd()), path, text).with(entry);
  if (changed !== text) {
    tree.overwrite(path, changed);
  }
}
