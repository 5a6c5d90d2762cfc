import { pathToFileURL } from 'node:url';
import type { Type } from '@nestjs/common';
import { CliUsageError } from '../cli.error.js';
import type { AppLocation } from './locate-app.js';

/** What `@Module` leaves on a class; an empty module leaves nothing, and can have no backfill either. */
const MODULE_KEYS = ['imports', 'providers', 'controllers', 'exports'];

/** Imports the built file, ESM or CommonJS, and picks the module class out of it. */
export async function loadModule({ file, exportName }: AppLocation): Promise<Type> {
  const imported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  // Node sees only some names of a CommonJS file; all of them are on its default.
  const common = typeof imported['default'] === 'object' ? imported['default'] : null;
  return pickModule({ ...common, ...imported }, file, exportName);
}

/** The class of that name, `AppModule`, or the only module among the exports. */
export function pickModule(
  exported: Readonly<Record<string, unknown>>,
  file: string,
  name: string | null,
): Type {
  const modules = Object.entries(exported).filter((entry): entry is [string, Type] => isModule(entry[1]));
  const found =
    name === null
      ? (modules.find(([key]) => key === 'AppModule') ?? (modules.length === 1 ? modules[0] : undefined))
      : modules.find(([key]) => key === name);
  if (found === undefined) {
    const known = modules.map(([key]) => key).join(', ') || 'none';
    throw new CliUsageError(
      `Expected ${file} to export the module ${name ?? 'AppModule'}, got these modules: ${known}. ` +
        `Name the right one: --app ${file}#AppModule.`,
    );
  }
  return found[1];
}

function isModule(value: unknown): boolean {
  return typeof value === 'function' && MODULE_KEYS.some((key) => Reflect.hasMetadata(key, value));
}
