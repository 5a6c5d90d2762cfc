import { z } from 'zod';
import type { BackfillConfig } from '../../config/backfill-config.js';
import { CONFIG_FIELDS, CONFIG_KEYS } from '../../config/backfill-config.schema.js';
import type { ConfigInForce } from '../../config/config.store.js';
import { text } from './response-fields.js';
import type { Shape } from './response-fields.js';

export const configShape = Object.fromEntries(
  Object.entries(CONFIG_FIELDS).map(([key, { schema, expected }]) => [
    key,
    documented(key, schema, expected),
  ]),
);

/** A field with what is expected in words, since OpenAPI cannot express what a function validates. */
function documented(key: string, schema: z.ZodType, expected: string): z.ZodType {
  const documentable = key === 'maxFailures' ? z.union([z.int(), z.string()]).nullable() : schema;
  return documentable.describe(`Expected: ${expected}`);
}

function keyed<Schema extends z.ZodType>(schema: Schema): Record<keyof BackfillConfig, Schema> {
  return Object.fromEntries(CONFIG_KEYS.map((key) => [key, schema])) as Record<keyof BackfillConfig, Schema>;
}

export const configPatch = z.object(configShape).partial();
/** The body of a change of the config. */
export const configRequest = configPatch.extend({ reason: z.string().max(500).optional() });
export const configResponse = z.object({
  config: z.object(configShape),
  patch: configPatch.describe('Keys set at run time, by configure or at a start'),
  origins: z
    .object(keyed(z.enum(['operator', 'decorator', 'module', 'default'])))
    .describe('Where each value comes from'),
  version: text.describe('Changes with the config; also the ETag'),
} satisfies Shape<ConfigInForce>);
