import { readFileSync } from 'node:fs';
import { CliUsageError } from './cli.error.js';
import { splitAssignments } from './parse-assignments.js';

/** Options of the commands that take parameters of a run. */
export interface ParamsFlags {
  readonly param?: readonly string[];
  readonly paramsFile?: string;
}

/**
 * The parameters of `--params-file` and `--param`, of which the latter count; `undefined` without any.
 *
 * A value is text where the schema says so, JSON where it says number, boolean, object, array or null, and otherwise JSON
 * where it is some.
 *
 * @param schema JSON Schema of the parameters; `null` where there is none
 */
export function parseParams(
  { param, paramsFile }: ParamsFlags,
  schema: unknown,
): Record<string, unknown> | undefined {
  if (param === undefined && paramsFile === undefined) {
    return undefined;
  }
  const entries = splitAssignments(param ?? [], 'keyId=k2').map(
    ([key, text]) => [key, parseValue(text, typesOf(schema, key))] as const,
  );
  return { ...(paramsFile === undefined ? {} : readParams(paramsFile)), ...Object.fromEntries(entries) };
}

function readParams(path: string): object {
  const name = path === '-' ? 'the standard input' : path;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8'));
  } catch (error) {
    // A `SyntaxError` of JSON quotes the text, in which a parameter may be secret.
    throw error instanceof SyntaxError
      ? new CliUsageError(`Expected ${name} to hold JSON with parameters, got text that is not valid JSON.`)
      : new CliUsageError(`Expected ${name} to hold JSON with parameters: ${String(error)}.`, {
          cause: error,
        });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliUsageError(`Expected ${name} to hold a JSON object such as {"keyId":"k2"}.`);
  }
  return value;
}

function parseValue(text: string, types: readonly string[]): unknown {
  if (types.length > 0 && types.every((type) => type === 'string')) {
    return text;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The schema says what is wrong with it, and names the field.
    return text;
  }
}

/** The types that the schema gives a parameter; none where it says nothing of that. */
function typesOf(schema: unknown, key: string): string[] {
  const properties = fieldOf(schema, 'properties');
  return typesIn(Object.hasOwn(Object(properties) as object, key) ? fieldOf(properties, key) : undefined);
}

function typesIn(schema: unknown): string[] {
  const type = fieldOf(schema, 'type');
  const alternatives = [fieldOf(schema, 'anyOf'), fieldOf(schema, 'oneOf')].flat().filter(Boolean);
  return [type, ...alternatives.map(typesIn)].flat(2).filter((it) => typeof it === 'string');
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}
