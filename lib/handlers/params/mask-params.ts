import type { JsonValue } from '../../sources/backfill-source.js';
import type { JsonSchema } from './json-schema.js';
import { childrenOf, expand, holdsSecrets, isSecret, rootsOf } from './located-schema.js';
import type { LocatedSchema } from './located-schema.js';

/** Shown in place of a secret value. */
export const MASK = '***';

const MAX_DEPTH = 20;

/**
 * A value with its secret parts replaced by `***`: those that one of the JSON Schemas marks with `format: 'password'`,
 * `writeOnly: true` or `secret: true`.
 */
export function maskSecrets(value: JsonValue, secrets: readonly JsonSchema[]): JsonValue {
  return maskAt(value, rootsOf(secrets));
}

/** As `maskSecrets`, of a part of a value with the schemas of that part. */
export function maskAt(value: JsonValue, schemas: readonly LocatedSchema[]): JsonValue {
  return mask(value, schemas, 0);
}

/** Whether the value at a path is secret, or within a secret one. */
export function isSecretAt(path: readonly PropertyKey[], secrets: readonly JsonSchema[]): boolean {
  const { isWithin, schemas } = schemasAt(path, secrets);
  return isWithin || isSecret(expand(schemas));
}

/** Whether a value at a path has to be hidden where it is not one of the schema: also where a part of it would be secret. */
export function isHiddenAt(path: readonly PropertyKey[], secrets: readonly JsonSchema[]): boolean {
  const { isWithin, schemas } = schemasAt(path, secrets);
  return isWithin || holdsSecrets(schemas);
}

function schemasAt(
  path: readonly PropertyKey[],
  secrets: readonly JsonSchema[],
): { readonly isWithin: boolean; readonly schemas: readonly LocatedSchema[] } {
  let schemas = rootsOf(secrets);
  for (const key of path) {
    const expanded = expand(schemas);
    if (isSecret(expanded)) {
      return { isWithin: true, schemas };
    }
    schemas = childrenOf(expanded, String(key));
  }
  return { isWithin: false, schemas };
}

/** A text with the secret parts of a value replaced by `***`: a message may repeat them. */
export function redact(text: string, value: JsonValue, secrets: readonly JsonSchema[]): string {
  const texts = secretTexts(value, maskSecrets(value, secrets)).toSorted((a, b) => b.length - a.length);
  return texts.reduce((redacted, secret) => redacted.replaceAll(secret, MASK), text);
}

function mask(value: JsonValue, candidates: readonly LocatedSchema[], depth: number): JsonValue {
  const schemas = expand(candidates);
  if (isSecret(schemas) || depth > MAX_DEPTH) {
    return value === null ? null : MASK;
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const masked = (key: string, item: JsonValue) => mask(item, childrenOf(schemas, key), depth + 1);
  return Array.isArray(value)
    ? value.map((item: JsonValue, i) => masked(String(i), item))
    : Object.fromEntries(
        Object.entries(value).map(([key, item]: [string, JsonValue]) => [key, masked(key, item)]),
      );
}

/** The texts and numbers in a value whose masked form has `***` in their place. */
function secretTexts(value: JsonValue, masked: JsonValue | undefined): string[] {
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]: [string, JsonValue]) =>
      secretTexts(item, masked === MASK ? MASK : (Object(masked) as Record<string, JsonValue>)[key]),
    );
  }
  const isText = typeof value === 'string' ? value !== '' : typeof value === 'number';
  return isText && masked === MASK && value !== MASK ? [String(value)] : [];
}
