import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SchematicError } from '../schematic.error.js';

/** TypeScript's own API, as the app has it installed. */
export type TypeScriptApi = typeof import('typescript');

/** The compiler that the app is built with: the library brings none of its own. */
export function typescriptOf(folder: string): TypeScriptApi {
  const require = createRequire(join(folder, 'package.json'));
  try {
    return require('typescript') as TypeScriptApi;
  } catch (cause) {
    throw new SchematicError(
      'Expected typescript among the devDependencies of the app. Install it and repeat.',
      {
        cause,
      },
    );
  }
}
