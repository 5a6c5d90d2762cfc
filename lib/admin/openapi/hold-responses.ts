import { z } from 'zod';
import type { GlobalHold, HoldReceipt } from '../../state/global-hold.js';
import { text, time } from './response-fields.js';
import type { Shape } from './response-fields.js';

export const globalHold = z.object({
  reason: text,
  by: text.nullable().describe('Who holds them; null: no name was given'),
  since: time,
  until: time.nullable().describe('null: until it is released'),
} satisfies Shape<GlobalHold>);

const hold = globalHold.nullable().describe('The hold in force; null: there is none');

export const holdResponse = z.object({ hold });

export const holdReceiptResponse = z.object({
  hold,
  changed: z.boolean().describe('false: nothing changed'),
} satisfies Shape<HoldReceipt>);
