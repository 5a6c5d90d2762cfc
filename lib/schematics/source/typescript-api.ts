import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SchematicError } from '../schematic.error.js';

/** The compiler API of TypeScript. */
export type TypeScriptApi = typeof import('typescript');

/**
 * Loads the TypeScript installed in the app, because this package does not depend on TypeScript.
 *
 * @throws SchematicError when the app has none
 */
export function loadTypeScript(folder: string): TypeScriptApi {
  const require = createRequire(join(folder, 'package.json'));
  try {
    return require('typescript') as TypeScriptApi;
  } catch (cause) {
    throw new SchematicError(
      'Expected typescript in the devDependencies of the app. Install it and run the command again.',
      { cause },
    );
  }
}
