import { z } from 'zod';
import type { OverrideReceipt } from '../../state/override.store.js';
import type { ThrottleOverride } from '../../state/throttle-override.js';
import { text, time } from './response-fields.js';
import type { Shape } from './response-fields.js';

export const overrides = z
  .array(
    z.object({
      throttle: text,
      factor: z.number().describe('What its pressure is multiplied by; 0: it is ignored'),
      until: time,
      by: text.nullable(),
      reason: text.nullable(),
    } satisfies Shape<ThrottleOverride>),
  )
  .describe('Overrides of throttles that are in force');

export const overrideResponse = z.object({
  overrides,
  changed: z.boolean().describe('false: nothing changed'),
} satisfies Shape<OverrideReceipt>);
