import { existsSync, readFileSync } from 'node:fs';
import { CliUsageError } from '../cli.error.js';

/** Reads a JSON file that may hold comments and trailing commas; `undefined` where there is none. */
export function readJsonFile(file: string): unknown {
  if (!existsSync(file)) {
    return undefined;
  }
  const text = readFileSync(file, 'utf8');
  const plain = text
    .replace(/"(?:\\.|[^"\\])*"|\/\/.*|\/\*[\s\S]*?\*\//g, (token) => (token.startsWith('"') ? token : ''))
    .replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, (token) => (token.startsWith('"') ? token : ''));
  try {
    return JSON.parse(plain) as unknown;
  } catch (error) {
    throw new CliUsageError(
      `Expected ${file} to be JSON: ${error instanceof Error ? error.message : String(error)}.`,
      {
        cause: error,
      },
    );
  }
}
