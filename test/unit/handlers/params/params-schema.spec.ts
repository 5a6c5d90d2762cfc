import { z } from 'zod';
import type { StandardSchema } from 'nestjs-backfill';
import { describeParams } from '../../../../lib/handlers/params/params-schema.js';
import { arktypeParams, valibotJsonParams, valibotParams } from '../../../support/schemas/index.js';

function jsonSchemaOf(schema: StandardSchema) {
  return describeParams(schema).jsonSchema;
}

it('the JSON Schema is what a start may be given', () => {
  const schema: StandardSchema = z.object({
    since: z.date(),
    first: z.bigint(),
    mode: z.enum(['a', 'b']).default('a'),
  });
  expect(jsonSchemaOf(schema)).toEqual({
    type: 'object',
    properties: {
      since: { type: 'string', format: 'date-time' },
      first: { type: 'string', pattern: '^-?\\d+$' },
      mode: { type: 'string', enum: ['a', 'b'], default: 'a' },
    },
    required: ['since', 'first'],
  });
});

it.each([
  ['arktype', arktypeParams],
  ['valibot with JSON Schema', valibotJsonParams],
  ['valibot where @valibot/to-json-schema is installed', valibotParams],
])('the JSON Schema of %s', (_, schema) => {
  const properties = { keyId: { type: 'string' }, limit: { type: 'number' } };
  expect(jsonSchemaOf(schema)).toMatchObject({ type: 'object', properties, required: ['keyId'] });
});

it('a schema of another library has none', () => {
  const schema: StandardSchema = {
    '~standard': { version: 1, vendor: 'own', validate: (value) => ({ value }) },
  };
  expect(describeParams(schema)).toEqual({ schema, jsonSchema: null, secrets: [] });
});

it('is shown without values of secrets, and with what else the schema says', () => {
  const token = z.string().meta({ id: 'Key', secret: true });
  const schema: StandardSchema = z.object({
    mode: z
      .enum(['fast', 'slow'])
      .meta({ examples: ['slow'] })
      .default('fast'),
    tokens: z.array(token).default(['geheim']),
    kind: z.literal('geheim').meta({ secret: true, examples: ['geheim'] }),
    login: z.object({ name: z.string().default('ada'), token }).default({ name: 'ada', token: 'geheim' }),
    pair: z.tuple([z.literal('a'), token.default('geheim')]),
    either: z.union([z.object({ token: token.default('geheim') }), z.literal('none')]),
    all: z.record(z.string(), token.default('geheim')),
    hidden: z.object({ deep: z.string().default('geheim') }).meta({ secret: true }),
  });
  const shown = jsonSchemaOf(schema);
  expect(JSON.stringify(shown)).not.toContain('geheim');
  expect(shown).toMatchObject({
    properties: {
      mode: { enum: ['fast', 'slow'], default: 'fast', examples: ['slow'] },
      login: { properties: { name: { default: 'ada' } } },
      pair: { prefixItems: [{ const: 'a' }, {}] },
      either: { anyOf: [{}, { const: 'none' }] },
    },
    $defs: { Key: { type: 'string', secret: true } },
  });
});
