import { z } from 'zod';
import { count, text } from './response-fields.js';

export const errorResponse = z.object({
  statusCode: count,
  message: text,
  error: text,
  code: text.describe('Stable across releases'),
  field: text.optional(),
  fields: z.array(z.object({ field: text, expected: text, received: text.optional() })).optional(),
});

/** As Nest answers an `UnauthorizedException`. What a guard throws itself stays as it is. */
export const guardErrorResponse = z.object({
  statusCode: count,
  message: text,
  error: text.optional(),
});
