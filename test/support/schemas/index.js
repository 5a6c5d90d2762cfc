// JavaScript, so that the types of these libraries are only needed where a test is about them.
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';

export const valibotParams = v.object({ keyId: v.string(), limit: v.optional(v.number(), 5) });

export const valibotJsonParams = toStandardJsonSchema(valibotParams);

export const arktypeParams = type({ keyId: 'string', limit: 'number = 5' });
