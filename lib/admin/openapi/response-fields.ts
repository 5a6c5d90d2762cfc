import { z } from 'zod';

export const count = z.int();
export const time = z.string().describe('ISO 8601 time');
export const text = z.string();
export const json = z.unknown().describe('JSON; bigint keys are strings');
export const runState = z.enum(['running', 'verifying', 'paused', 'completed', 'failed', 'cancelled']);
export const progress = {
  planned: count.describe('Ranges'),
  done: count.describe('Ranges'),
  outstanding: count.describe('Ranges'),
  failed: count.describe('Ranges'),
  rowsDone: count,
  rowsFailed: count,
};
export const rowsMissing = count.describe('Rows that were planned, not loaded, and not known to be gone');
export const rowsRechecked = count.describe(
  'Times that rows were handled again because others wrote or locked them',
);

export const params = z
  .unknown()
  .describe('Parameters of the run, JSON with secret ones as ***; null: it was started without');

export const finishBy = time.nullable().describe('When the run should have ended; null: nobody has said');

/** The journal of a run, and what its undo came to. */
export const journal = {
  journaled: count.describe('Rows in the journal of the run, which an undo can give their old values back'),
  undoes: text.nullable().describe('Id of the run that this run undoes; null: it is no undo'),
  conflicts: count.describe('Rows that an undo has left, because others have written them'),
};

/** Makes the compiler compare a schema with the type that the service returns. */
export type Shape<T> = { [K in keyof T]-?: z.ZodType };

export const error = z.object({ name: text, message: text, stack: text.optional() });
