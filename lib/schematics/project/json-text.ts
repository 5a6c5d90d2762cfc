import type { Tree } from '@angular-devkit/schematics';
import { SchematicError } from '../schematic.error.js';

/** Reads a file as text; `undefined` where there is none. */
export function readText(tree: Tree, path: string): string | undefined {
  return tree.read(path)?.toString('utf8');
}

/** Reads a file as JSON; `undefined` where there is none. */
export function readJsonText(tree: Tree, path: string): unknown {
  const text = readText(tree, path);
  if (text === undefined) {
    return undefined;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new SchematicError(`Expected ${path} to be JSON.`, { cause });
  }
}
