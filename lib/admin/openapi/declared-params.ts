import type { ModulesContainer } from '@nestjs/core';
import { isValidName, nameFromClass } from '../../handlers/backfill-name.js';
import { BACKFILL_METADATA } from '../../handlers/backfill.decorator.js';
import type { BackfillOptions } from '../../handlers/backfill.decorator.js';
import type { JsonSchema } from '../../handlers/params/json-schema.js';
import { describeParams } from '../../handlers/params/params-schema.js';
import { isStandardSchema } from '../../handlers/params/standard-schema.js';

/** The JSON Schema of the parameters of a backfill; `null`: its library gives none. */
export interface DeclaredParams {
  readonly backfill: string;
  readonly schema: JsonSchema | null;
}

/**
 * What the `@Backfill`s of an app take as parameters, by name. An OpenAPI document is made before the hooks of Nest in which
 * handlers are discovered: this reads classes alone, so not the class of what a `useFactory` makes, unless that is the token.
 */
export function declaredParams(modules: ModulesContainer): DeclaredParams[] {
  const classes = new Set<unknown>();
  for (const module of modules.values()) {
    module.providers.forEach(({ metatype, token }) => classes.add(metatype).add(token));
  }
  const found = new Map<string, DeclaredParams>();
  for (const handler of classes) {
    if (typeof handler !== 'function' || !Reflect.hasMetadata(BACKFILL_METADATA, handler)) {
      continue;
    }
    const { name, params } = Reflect.getMetadata(BACKFILL_METADATA, handler) as BackfillOptions;
    const backfill = name ?? nameFromClass(handler.name);
    // What is not valid fails the start of the app with an error of its own.
    if (isValidName(backfill) && isStandardSchema(params)) {
      found.set(backfill, { backfill, schema: describeParams(params).jsonSchema });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.backfill < b.backfill ? -1 : 1));
}
