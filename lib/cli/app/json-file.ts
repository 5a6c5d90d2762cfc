import { existsSync, readFileSync } from 'node:fs';
import { CliUsageError } from '../cli.error.js';

/** Reads a JSON file with optional comments and trailing commas; `undefined` when it does not exist. */
export function readJsonFile(file: string): unknown {
  if (!existsSync(file)) {
    return undefined;
  }
  // Each pattern also matches strings, which are kept, so that `//` or a comma inside a string stays.
  const keepStrings = (token: string) => (token.startsWith('"') ? token : '');
  const json = readFileSync(file, 'utf8')
    .replace(/"(?:\\.|[^"\\])*"|\/\/.*|\/\*[\s\S]*?\*\//g, keepStrings)
    .replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, keepStrings);
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliUsageError(`Expected ${file} to be valid JSON: ${reason}.`, { cause });
  }
}
