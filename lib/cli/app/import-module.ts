import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { NestFactory } from '@nestjs/core';
import { CliUsageError } from '../cli.error.js';

const STARTERS = ['create', 'createMicroservice', 'createApplicationContext'] as const;

/**
 * Imports a built file, ESM or CommonJS. One that starts an app when it is imported, as `main.js` does, is refused: that
 * would be a second app, with its server and its workers. The start has no effect.
 *
 * @throws CliUsageError
 */
export async function importModule(file: string): Promise<Record<string, unknown>> {
  let starter: string | undefined;
  const started = new Promise<void>((resolve) => {
    for (const method of STARTERS) {
      Reflect.set(NestFactory, method, () => {
        starter ??= method;
        resolve();
        return new Promise(() => undefined);
      });
    }
  });
  let namespace: Record<string, unknown> | void;
  try {
    // A file that awaits its app at the top level is never imported to the end.
    namespace = await Promise.race([importFully(file), started]);
  } finally {
    // Uncovers the methods of the class.
    STARTERS.forEach((method) => Reflect.deleteProperty(NestFactory, method));
  }
  if (starter !== undefined || !namespace) {
    throw new CliUsageError(
      `Expected ${file} to export the root module, got a file that starts the app when it is imported ` +
        `(NestFactory.${starter}). It was not started. Pass the file of the module: --app dist/app.module.js#AppModule.`,
    );
  }
  return namespace;
}

/** With what the file begins when it is imported and does not await. */
async function importFully(file: string): Promise<Record<string, unknown>> {
  const namespace = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  await nextTurn();
  return namespace;
}
