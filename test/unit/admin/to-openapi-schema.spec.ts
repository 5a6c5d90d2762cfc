import { toOpenApiSchema } from '../../../lib/admin/openapi/to-openapi-schema.js';
import type { JsonValue } from 'nestjs-backfill';

const nameOf = (reference: string) => (reference === '#/$defs/Key' ? 'Key' : null);
const KEY = { $ref: '#/components/schemas/Key' };

it.each<[string, JsonValue, object]>([
  [
    'a type and its limits',
    { type: 'string', minLength: 2, pattern: '^a' },
    { type: 'string', minLength: 2, pattern: '^a' },
  ],
  ['null beside a type', { type: ['string', 'null'] }, { type: 'string', nullable: true }],
  [
    'an enum with null',
    { type: ['string', 'null'], enum: ['a'] },
    { type: 'string', nullable: true, enum: ['a', null] },
  ],
  ['null alone', { type: 'null' }, { enum: [null] }],
  [
    'several types',
    { type: ['string', 'array', 'null'] },
    {
      anyOf: [
        { type: 'string', nullable: true },
        { type: 'array', items: {}, nullable: true },
      ],
    },
  ],
  [
    'null as an alternative',
    { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    { anyOf: [{ type: 'integer', nullable: true }] },
  ],
  [
    'null as an alternative of a reference',
    { anyOf: [{ $ref: '#/$defs/Key' }, { type: 'null' }] },
    { anyOf: [KEY, { enum: [null] }] },
  ],
  [
    'an exclusive bound',
    { type: 'number', exclusiveMinimum: 1 },
    { type: 'number', minimum: 1, exclusiveMinimum: true },
  ],
  ['a constant', { const: 'a' }, { enum: ['a'] }],
  ['examples', { type: 'string', examples: ['a', 'b'] }, { type: 'string', example: 'a' }],
  ['a secret', { type: 'string', secret: true }, { type: 'string', writeOnly: true, format: 'password' }],
  [
    'a tuple',
    { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, maxItems: 2 },
    { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] }, maxItems: 2 },
  ],
  ['an array of anything', { type: 'array' }, { type: 'array', items: {} }],
  [
    'properties with patterns',
    { type: 'object', properties: { a: true }, patternProperties: { '^x': {} }, additionalProperties: false },
    { type: 'object', properties: { a: {} } },
  ],
  [
    'a record',
    { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { $ref: '#/$defs/Key' } },
    { type: 'object', additionalProperties: KEY },
  ],
  ['a reference with a default', { $ref: '#/$defs/Key', default: 'a' }, { default: 'a', allOf: [KEY] }],
  ['a reference that leads nowhere', { $ref: '#/x' }, {}],
  ['what accepts nothing', false, { not: {} }],
])('%s', (_, schema, expected) => {
  expect(toOpenApiSchema(schema, nameOf)).toEqual(expected);
});
