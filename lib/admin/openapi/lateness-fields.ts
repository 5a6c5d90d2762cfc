import { z } from 'zod';
import { LIMITING_KINDS } from '../../state/limiting-factor.js';
import type { ExpectedLateness, LimitingFactor } from '../../state/limiting-factor.js';
import { text, time } from './response-fields.js';
import type { Shape } from './response-fields.js';

/** Fields of a run that is expected to end later than it should. */
export const expectedLateness = {
  eta: time.nullable().describe('When it is expected to end; null: nothing moves, or it is not known'),
  by: z.number().describe('Ms after finishBy, at the least'),
  limitedBy: z
    .object({
      kind: z.enum(LIMITING_KINDS),
      name: text
        .nullable()
        .describe('Key of the config or the budget, throttle, or who paused or holds it; null: none'),
      value: z.number().nullable().describe('Its value; null: it has none'),
      reason: text,
    } satisfies Shape<LimitingFactor>)
    .nullable()
    .describe('What delays the end most; null: not known'),
} satisfies Shape<ExpectedLateness>;
