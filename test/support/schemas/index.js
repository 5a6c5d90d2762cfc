// JavaScript, so that the types of these libraries are only needed where a test is about them.
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';

export const valibotParams = v.object({ keyId: v.string(), limit: v.optional(v.number(), 5) });

export const valibotJsonParams = toStandardJsonSchema(valibotParams);

export const arktypeParams = type({ keyId: 'string', limit: 'number = 5' });

const secret = { secret: true };

/** A token, a password, a list of keys, what a number is made of, and tokens below any name are secret. */
const valibotSecrets = v.object({
  keyId: v.string(),
  token: v.pipe(
    v.string(),
    v.check((token) => token !== 'no'),
    v.metadata(secret),
  ),
  login: v.optional(v.object({ password: v.pipe(v.string(), v.metadata({ format: 'password' })) }), {
    password: 'standard',
  }),
  keys: v.optional(v.array(v.pipe(v.string(), v.metadata({ writeOnly: true })))),
  pin: v.optional(v.pipe(v.string(), v.transform(Number), v.metadata(secret))),
  more: v.optional(v.record(v.string(), v.pipe(v.string(), v.metadata(secret)))),
});

const hidden = type('string').configure(secret);

export const secretParams = {
  valibot: valibotSecrets,
  'valibot with JSON Schema': toStandardJsonSchema(valibotSecrets),
  arktype: type({
    keyId: 'string',
    token: hidden.narrow((token) => token !== 'no'),
    login: type({ password: type('string').configure({ format: 'password' }) }).default(() => ({
      password: 'standard',
    })),
    'keys?': type('string').configure({ writeOnly: true }).array(),
    'pin?': type('string').pipe(Number).configure(secret),
    'more?': type({ '[string]': hidden }),
  }),
};

/** A tree whose nodes have secrets, and a schema that has none. */
const valibotNode = v.object({
  token: v.pipe(v.string(), v.metadata(secret)),
  below: v.optional(v.array(v.lazy(() => valibotNode))),
});
export const valibotTree = valibotNode;
