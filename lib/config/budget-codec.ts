import type { BackfillBudget } from './backfill-budget.js';
import { budgetIssues, CALLS } from './parse-budget.js';

const CALLS_PREFIX = `${CALLS}.`;

/** Encodes a budget as the fields of a Redis hash: `null` as `null`, calls as `callsPerSecond.directory`. */
export function encodeBudget({ callsPerSecond = {}, ...limits }: BackfillBudget): Record<string, string> {
  const calls = Object.entries(callsPerSecond).map(([name, value]) => [`${CALLS_PREFIX}${name}`, value]);
  const fields = [...Object.entries(limits), ...calls] as [string, number | null | undefined][];
  return Object.fromEntries(
    fields.filter(([, value]) => value !== undefined).map(([key, value]) => [key, String(value)]),
  );
}

/**
 * The inverse of {@link encodeBudget}. A field that cannot be read is left out: a newer version may have written it, and
 * what the app itself says is in force then.
 */
export function decodeBudget(hash: Readonly<Record<string, string>>): BackfillBudget {
  const limits: Record<string, number | null> = {};
  const calls: Record<string, number | null> = {};
  for (const [field, text] of Object.entries(hash)) {
    const value = text === 'null' ? null : Number(text);
    const name = field.startsWith(CALLS_PREFIX) ? field.slice(CALLS_PREFIX.length) : null;
    if (name === null && field !== CALLS && isBudget({ [field]: value })) {
      limits[field] = value;
    } else if (name !== null && isBudget({ [CALLS]: { [name]: value } })) {
      calls[name] = value;
    }
  }
  return Object.keys(calls).length > 0 ? { ...limits, [CALLS]: calls } : limits;
}

function isBudget(input: unknown): boolean {
  return budgetIssues(input).length === 0;
}
