import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { limitsRanges, resolveBudget } from '../../../lib/config/backfill-budget.js';
import type { BackfillBudget } from '../../../lib/config/backfill-budget.js';
import { decodeBudget, encodeBudget } from '../../../lib/config/budget-codec.js';
import { parseBudget } from '../../../lib/config/parse-budget.js';

const whole = (max: number) => fc.option(fc.integer({ min: 1, max }));
const rate = fc.option(fc.double({ min: 0.001, max: 100_000, noNaN: true }));
const budgets = fc.record<BackfillBudget>(
  {
    concurrency: whole(100_000),
    rangesPerSecond: rate,
    rowsPerSecond: rate,
    callsPerSecond: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), rate, {
      minKeys: 1,
      noNullPrototype: true,
    }),
    perTable: whole(1000),
  },
  { requiredKeys: [] },
);

describe('a budget', () => {
  it('is valid, and comes back from Redis as it was', () => {
    fc.assert(
      fc.property(budgets, (budget) => {
        expect(parseBudget(budget, 'budget')).toEqual(budget);
        expect(decodeBudget(encodeBudget(budget))).toEqual(budget);
      }),
    );
  });

  it('has the limits of the last patch that has them, calls by name', () => {
    fc.assert(
      fc.property(budgets, budgets, (first, second) => {
        const limits = resolveBudget(first, second);
        const { concurrency = first.concurrency ?? null } = second;
        expect(limits.concurrency).toBe(concurrency);
        const calls = { ...first.callsPerSecond, ...second.callsPerSecond };
        const limited = Object.entries(calls).filter(([, limit]) => limit !== null);
        expect(limits.callsPerSecond).toEqual(Object.fromEntries(limited));
      }),
    );
  });

  it('ignores what Redis has and cannot be read', () => {
    const hash = {
      concurrency: 'many',
      perTable: '2',
      callsPerSecond: '5',
      'callsPerSecond.a b': '1',
      later: '1',
    };
    expect(decodeBudget(hash)).toEqual({ perTable: 2 });
  });

  it('limits no ranges with calls alone', () => {
    expect(limitsRanges(resolveBudget({ callsPerSecond: { directory: 5 } }))).toBe(false);
    expect(limitsRanges(resolveBudget({ concurrency: 5 }, { concurrency: null }))).toBe(false);
    expect(limitsRanges(resolveBudget({ perTable: 1 }))).toBe(true);
  });
});
