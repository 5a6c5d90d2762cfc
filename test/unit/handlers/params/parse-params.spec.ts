import { z } from 'zod';
import { BackfillParamsError } from 'nestjs-backfill';
import type { StandardSchema } from 'nestjs-backfill';
import { parseParams, validate } from '../../../../lib/handlers/params/parse-params.js';
import { describeParams } from '../../../../lib/handlers/params/params-schema.js';
import { arktypeParams, valibotJsonParams, valibotParams } from '../../../support/schemas/index.js';

function parse(schema: StandardSchema, given: unknown) {
  return parseParams('walk', describeParams(schema), given);
}

async function issuesOf(schema: StandardSchema, given: unknown) {
  const error: unknown = await parse(schema, given).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(BackfillParamsError);
  return (error as BackfillParamsError).issues;
}

const keyed: StandardSchema = z.object({ keyId: z.string(), limit: z.number().default(5) });

describe.each([
  ['zod', keyed],
  ['valibot', valibotParams],
  ['valibot with JSON Schema', valibotJsonParams],
  ['arktype', arktypeParams],
])('a schema of %s', (_, schema) => {
  it('parses parameters, and the run keeps its defaults', async () => {
    const { values, kept } = await parse(schema, { keyId: 'k2' });
    expect(values).toEqual({ keyId: 'k2', limit: 5 });
    expect(JSON.parse(kept?.params ?? '')).toEqual({ keyId: 'k2', limit: 5 });
  });

  it('names the field, what was expected and what was got', async () => {
    const [issue] = await issuesOf(schema, { keyId: 7 });
    expect(issue).toMatchObject({ field: 'params.keyId', received: '7' });
    expect(issue?.expected).toMatch(/string/);
  });

  it('names a field that is missing', async () => {
    expect(await issuesOf(schema, undefined)).toMatchObject([
      { field: 'params.keyId', received: 'undefined' },
    ]);
  });
});

describe('what a run keeps', () => {
  it('is made into the same dates, bigints and results of transforms again', async () => {
    const schema: StandardSchema = z.object({
      since: z.coerce.date(),
      first: z.coerce.bigint(),
      tags: z.string().transform((tags) => new Set(tags.split(','))),
    });
    const given = { since: new Date(0), first: 2n ** 60n, tags: 'a,b' };
    const { values, kept } = await parse(schema, given);
    expect(values).toEqual({ ...given, tags: new Set(['a', 'b']) });
    expect(JSON.parse(kept?.params ?? '')).toEqual({
      since: '1970-01-01T00:00:00.000Z',
      first: '1152921504606846976',
      tags: 'a,b',
    });
    const again = await validate(describeParams(schema), JSON.parse(kept?.params ?? ''));
    expect(again).toEqual({ value: values });
  });

  it('has a default that was taken at the start', async () => {
    let count = 0;
    const schema: StandardSchema = z.object({ at: z.number().default(() => ++count) });
    const { values, kept } = await parse(schema, {});
    expect(JSON.parse(kept?.params ?? '')).toEqual(values);
  });

  it('is refused where the schema makes something else each time', async () => {
    let count = 0;
    const schema: StandardSchema = z.object({ at: z.string().transform(() => new Set([++count])) });
    await expect(parse(schema, { at: '' })).rejects.toThrow(
      'makes other values of the same parameters each time',
    );
  });

  it('is frozen, and parsed asynchronously where the schema is', async () => {
    const schema: StandardSchema = z.object({
      key: z.object({ id: z.string() }).refine(async ({ id }) => Promise.resolve(id !== 'x'), 'Unknown key'),
    });
    const { values } = await parse(schema, { key: { id: 'a' } });
    expect(Object.isFrozen((values as { key: object }).key)).toBe(true);
    expect(await issuesOf(schema, { key: { id: 'x' } })).toEqual([
      { field: 'params.key', expected: 'a valid value (Unknown key)', received: 'an object' },
    ]);
  });

  it.each<[string, unknown, string, string]>([
    ['a map', { a: [new Map()] }, 'params.a.0', 'a Map'],
    ['NaN', { a: Number.NaN }, 'params.a', 'NaN'],
    ['a function', { a: () => 1 }, 'params.a', 'a function'],
    ['an invalid date', { a: new Date('x') }, 'params.a', 'a Date'],
  ])('cannot be %s', async (_, given, field, received) => {
    expect(await issuesOf(z.looseObject({}), given)).toMatchObject([{ field, received }]);
  });

  it('is bounded', async () => {
    const [issue] = await issuesOf(z.looseObject({}), { a: 'x'.repeat(100_001) });
    expect(issue).toMatchObject({ field: 'params', expected: 'at most 100000 characters of JSON' });
  });
});

describe('a secret', () => {
  const schema: StandardSchema = z.object({
    keyId: z.string(),
    token: z.string().min(5).meta({ secret: true }),
    login: z.object({ password: z.string().meta({ format: 'password' }) }).optional(),
    keys: z.array(z.string().meta({ writeOnly: true })).optional(),
  });

  it('is masked, and given to the handler', async () => {
    const given = { keyId: 'k', token: 'geheim', login: { password: 'p' }, keys: ['a', 'b'] };
    const { values, kept } = await parse(schema, given);
    expect(values).toEqual(given);
    expect(JSON.parse(kept?.paramsShown ?? '')).toEqual({
      keyId: 'k',
      token: '***',
      login: { password: '***' },
      keys: ['***', '***'],
    });
  });

  it('is in no error', async () => {
    const issues = await issuesOf(schema, { keyId: 1, token: 'abc', login: { password: new Map() } });
    expect(issues).toEqual([
      {
        field: 'params.login.password',
        expected: 'a value that JSON can keep (or a Date or a bigint, kept as text)',
        received: '***',
      },
    ]);
    expect(await issuesOf(schema, { keyId: 1, token: 'abc' })).toEqual([
      { field: 'params.keyId', expected: 'string', received: '1' },
      { field: 'params.token', expected: 'string to have >=5 characters', received: '***' },
    ]);
  });

  it('is masked behind a reference and in an alternative', async () => {
    const token = z.string().meta({ id: 'Token', secret: true });
    const either: StandardSchema = z.object({
      a: token,
      b: z.union([z.number(), token]),
      more: z.record(z.string(), token),
    });
    const { kept } = await parse(either, { a: 'x', b: 'y', more: { c: 'z' } });
    expect(kept?.paramsShown).toBe('{"a":"***","b":"***","more":{"c":"***"}}');
  });
});
