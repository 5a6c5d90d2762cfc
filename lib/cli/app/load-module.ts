import type { Type } from '@nestjs/common';
import { CliUsageError } from '../cli.error.js';
import { importModule } from './import-module.js';
import type { AppLocation } from './locate-app.js';

/** Metadata keys of `@Module`. A module with none of them imports nothing, and so has no backfill. */
const MODULE_METADATA_KEYS = ['imports', 'providers', 'controllers', 'exports'];

/** Imports the built file, ESM or CommonJS, and selects the module class among its exports. */
export async function loadModule({ file, exportName }: AppLocation): Promise<Type> {
  const namespace = await importModule(file);
  // Node detects only some named exports of a CommonJS file; `default` is its whole `module.exports`.
  const commonJs = typeof namespace['default'] === 'object' ? namespace['default'] : null;
  return pickModule({ ...commonJs, ...namespace }, file, exportName);
}

/**
 * Selects the module with a name; without a name `AppModule`, else the only module.
 *
 * @throws CliUsageError when there is no such module
 */
export function pickModule(
  exports: Readonly<Record<string, unknown>>,
  file: string,
  name: string | null,
): Type {
  const modules = Object.entries(exports).filter((entry): entry is [string, Type] => isModule(entry[1]));
  const named = modules.find(([key]) => key === (name ?? 'AppModule'));
  const found = named ?? (name === null && modules.length === 1 ? modules[0] : undefined);
  if (found === undefined) {
    const known = modules.map(([key]) => key).join(', ') || 'none';
    throw new CliUsageError(
      `Expected ${file} to export the module ${name ?? 'AppModule'}, got these modules: ${known}. ` +
        `Pass the name of the export: --app ${file}#AppModule.`,
    );
  }
  return found[1];
}

function isModule(value: unknown): boolean {
  return typeof value === 'function' && MODULE_METADATA_KEYS.some((key) => Reflect.hasMetadata(key, value));
}
