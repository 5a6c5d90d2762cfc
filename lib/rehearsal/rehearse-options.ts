import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { RehearseOptions } from './rehearsal.js';

const DEFAULT_ROWS = 50;
/** Rows of a rehearsal. */
export const MAX_ROWS = 500;
const DEFAULT_LENGTH = 200;
const DEFAULT_MS = 30_000;
const MIN_MS = 1_000;
const MAX_MS = 300_000;

/** The limits of a rehearsal, validated. */
export interface RehearsalLimits {
  readonly rows: number;
  readonly timeoutMs: number;
  readonly mask: readonly string[];
  /** Characters of a value; `null`: all. */
  readonly maxLength: number | null;
}

/** @throws BackfillRequestError that names the option */
export function parseRehearseOptions(
  backfill: string,
  { rows = DEFAULT_ROWS, timeoutMs = DEFAULT_MS, mask = [], maxLength = DEFAULT_LENGTH }: RehearseOptions,
): RehearsalLimits {
  const refuse = (field: string, expected: string, got: unknown) =>
    new BackfillRequestError(backfill, field, expected, got);
  if (!Number.isInteger(rows) || rows < 1 || rows > MAX_ROWS) {
    throw refuse('rows', `a whole number from 1 to ${MAX_ROWS}`, rows);
  }
  if (!Number.isInteger(timeoutMs) || timeoutMs < MIN_MS || timeoutMs > MAX_MS) {
    throw refuse('timeoutMs', `a whole number of ms from ${MIN_MS} to ${MAX_MS}`, timeoutMs);
  }
  if (!Array.isArray(mask) || !mask.every((name) => typeof name === 'string' && name !== '')) {
    throw refuse('mask', 'a list of names of columns', mask);
  }
  if (maxLength !== null && (!Number.isSafeInteger(maxLength) || maxLength < 1)) {
    throw refuse('maxLength', 'a whole number of characters from 1, or null for whole values', maxLength);
  }
  return { rows, timeoutMs, mask, maxLength };
}
