import { z } from 'zod';
import { BackfillParamsError } from 'nestjs-backfill';
import type { StandardSchema } from 'nestjs-backfill';
import { parseParams } from '../../../../lib/handlers/params/parse-params.js';
import { describeParams } from '../../../../lib/handlers/params/params-schema.js';
import { secretParams, valibotTree } from '../../../support/schemas/index.js';

const hidden = z.string().meta({ secret: true });

const ofZod: StandardSchema = z.object({
  keyId: z.string(),
  token: hidden.refine((token) => token !== 'no'),
  login: z.object({ password: z.string().meta({ format: 'password' }) }).default({ password: 'standard' }),
  keys: z.array(z.string().meta({ writeOnly: true })).optional(),
  pin: z
    .string()
    .transform(Number)
    .pipe(z.number().meta({ secret: true }))
    .optional(),
  more: z.record(z.string(), hidden).optional(),
});

function parse(schema: StandardSchema, given: unknown) {
  return parseParams('walk', describeParams(schema), given);
}

async function issuesOf(schema: StandardSchema, given: unknown) {
  const error: unknown = await parse(schema, given).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(BackfillParamsError);
  return (error as BackfillParamsError).issues;
}

describe.each(Object.entries({ ...secretParams, zod: ofZod }))('secrets that %s marks', (_, schema) => {
  const login = { password: 'geheim 2' };
  const given = {
    keyId: 'k',
    token: 'geheim 1',
    login,
    keys: ['geheim 3'],
    pin: '4711',
    more: { a: 'geheim 4' },
  };

  it('are masked', async () => {
    const { values, kept } = await parse(schema, given);
    expect(values).toEqual({ ...given, pin: 4711 });
    expect(JSON.parse(kept?.params ?? '')).toEqual(given);
    expect(JSON.parse(kept?.paramsShown ?? '')).toEqual({
      keyId: 'k',
      token: '***',
      login: { password: '***' },
      keys: ['***'],
      pin: '***',
      more: { a: '***' },
    });
  });

  it('are in no error', async () => {
    for (const wrong of [
      { ...given, keyId: 1 },
      { ...given, token: 'no', login: { password: 4711 } },
      { ...given, keys: 'geheim 3', login: 'geheim 2', more: { a: 4711 } },
      { ...given, pin: { geheim: 'geheim' } },
    ]) {
      const issues = await issuesOf(schema, wrong);
      expect(JSON.stringify(issues)).not.toMatch(/geheim|4711|"no"/);
    }
  });

  it('are in no JSON Schema that is shown, where there is one', () => {
    const { jsonSchema } = describeParams(schema);
    expect(JSON.stringify(jsonSchema)).not.toContain('standard');
    expect(jsonSchema).toMatchObject({
      properties: { token: { type: 'string', secret: true }, pin: { secret: true } },
    });
  });
});

it('a secret is masked at any depth of a schema that refers to itself', async () => {
  const { kept } = await parse(valibotTree, { token: 'a', below: [{ token: 'b', below: [{ token: 'c' }] }] });
  const shown = { token: '***', below: [{ token: '***', below: [{ token: '***' }] }] };
  expect(JSON.parse(kept?.paramsShown ?? '')).toEqual(shown);
});

it('a secret is masked behind a reference, in an alternative and below a pattern', async () => {
  const token = z.string().meta({ id: 'Token', secret: true });
  const either: StandardSchema = z.object({
    a: token,
    b: z.union([z.number(), token]),
    more: z.record(z.string(), token),
  });
  const { kept } = await parse(either, { a: 'x', b: 'y', more: { c: 'z' } });
  expect(kept?.paramsShown).toBe('{"a":"***","b":"***","more":{"c":"***"}}');
});

describe('an error about secrets', () => {
  it('has neither what was given nor the values that are accepted', async () => {
    const schema: StandardSchema = z.object({
      mode: z.enum(['geheim-1', 'geheim-2']).meta({ secret: true }),
      token: hidden.min(5),
    });
    expect(await issuesOf(schema, { mode: 'geheim-3', token: 'abc' })).toEqual([
      { field: 'params.mode', expected: 'a valid value', received: '***' },
      { field: 'params.token', expected: 'string to have >=5 characters', received: '***' },
    ]);
  });

  it('has no secret of another field in the message of the schema', async () => {
    const schema: StandardSchema = z
      .object({
        name: z.string(),
        login: z.object({ token: hidden, pin: z.number().meta({ secret: true }) }),
      })
      .refine(() => false, {
        error: ({ input }) => {
          const { name, login } = input as { name: string; login: { token: string; pin: number } };
          return `${name} may not use ${login.token} and ${login.pin}`;
        },
      });
    const given = { name: 'ada', login: { token: 'geheim', pin: 4711 } };
    expect(await issuesOf(schema, given)).toEqual([
      { field: 'params', expected: 'a valid value (ada may not use *** and ***)', received: 'an object' },
    ]);
  });
});

describe('a schema that several parameters refer to', () => {
  const shownOf = (schema: StandardSchema) => JSON.stringify(describeParams(schema).jsonSchema);

  it('shows no value of a secret one', () => {
    const key = z.string().default('geheim 5').meta({ id: 'Key' });
    expect(shownOf(z.object({ key: key.meta({ secret: true }), open: key }))).not.toContain('geheim');
    const login = z.object({ inner: z.object({ key }).meta({ id: 'Inner' }) }).meta({ id: 'Login' });
    expect(shownOf(z.object({ login: login.meta({ secret: true }) }))).not.toContain('geheim');
  });

  it('shows no value of a part that what the schema makes marks', () => {
    const pin = z
      .string()
      .default('geheim 6')
      .transform(Number)
      .pipe(z.number().meta({ secret: true }));
    const shown = shownOf(
      z.object({ login: z.object({ pin, user: z.string().default('u') }).meta({ id: 'PinLogin' }) }),
    );
    expect(shown).not.toContain('geheim');
    expect(shown).toContain('"default":"u"');
  });
});

it('a secret under a condition is masked, and its values are not shown', async () => {
  const token = { type: 'string', format: 'password', default: 'geheim 7' };
  const described = {
    type: 'object',
    properties: { kind: { type: 'string' } },
    if: { properties: { kind: { const: 'none' } } },
    else: { properties: { token } },
    dependentSchemas: { more: { properties: { more: { type: 'object', additionalProperties: token } } } },
    unevaluatedProperties: token,
  };
  const schema = {
    '~standard': {
      version: 1,
      vendor: 'own',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => described, output: () => described },
    },
  } as unknown as StandardSchema;
  const given = { kind: 'token', token: 'geheim 8', more: { a: 'geheim 9' }, other: 'geheim 10' };
  const { kept } = await parse(schema, given);
  expect(kept?.paramsShown).not.toContain('geheim');
  expect(JSON.stringify(describeParams(schema).jsonSchema)).not.toContain('geheim');
});
