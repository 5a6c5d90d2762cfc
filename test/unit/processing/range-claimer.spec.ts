import { describe, expect, it } from '@jest/globals';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import type { BackfillConfigPatch } from '../../../lib/config/backfill-config.js';
import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import type { BackfillBudget } from '../../../lib/config/backfill-budget.js';
import { BudgetTurns } from '../../../lib/pacing/budget/budget-turns.js';
import { RunBudget } from '../../../lib/pacing/budget/run.budget.js';
import { RangeClaimer } from '../../../lib/processing/range.claimer.js';
import type { RangeEntry } from '../../../lib/state/range-entry.js';
import type { Claim, ClaimStatus } from '../../../lib/state/range-steps.js';
import type { RangeStore, WorkedRun } from '../../../lib/state/range.store.js';

const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };

function claimOf(index: number): Claim {
  const payload = { kind: 'range', partition: '', range: index } as const;
  const entry: RangeEntry = { index, claims: 1, crashes: 0, attempts: 0, rows: 1, payload };
  return { waitMs: 0, dueAt: 0, entry };
}

const RUN: WorkedRun = { runId: 'run', backfill: { version: null, onOtherVersion: 'warn' } };

/** A claimer whose store answers the claims of all but the ranges that are settled, up to `end`, and then refuses. */
function claimerUpTo(
  end: number,
  refusal: ClaimStatus,
  {
    settled = [],
    config = UNPACED,
    limits = {},
  }: { settled?: number[]; config?: BackfillConfigPatch; limits?: BackfillBudget } = {},
) {
  const calls: number[][] = [];
  const waiting: unknown[] = [];
  const store: Pick<RangeStore, 'claim'> = {
    claim: async (_run, indexes, _longestWait, _lateMs, _jobs, told) => {
      calls.push([...indexes]);
      waiting.push((JSON.parse(told?.text ?? '{}') as { waiting?: number }).waiting);
      const granted = indexes.filter((index) => index < end);
      const status = granted.length === indexes.length ? { status: 'granted' as const } : refusal;
      return { ...status, claims: granted.map((index) => (settled.includes(index) ? null : claimOf(index))) };
    },
  };
  const member = { runId: 'run', processId: 'process', weight: 1, table: '', leaseMs: 30_000 };
  const budget = new RunBudget(member, { limits: resolveBudget(limits), context: 'default' });
  const settings = () => resolveConfig(config);
  return {
    claimer: new RangeClaimer(RUN, settings, store as RangeStore, budget, new BudgetTurns()),
    calls,
    waiting,
  };
}

describe('the claims of a job', () => {
  it('are made together for an unpaced run, and are answered one by one without what is settled', async () => {
    const { claimer, calls } = claimerUpTo(100, { status: 'stopped' }, { settled: [11, 13] });
    const claims = claimer.claimsOf('10x4', 10, 4);
    expect(await claims.next()).toMatchObject({ status: 'claimed', claim: { entry: { index: 10 } } });
    expect(claims.unprocessed()).toEqual([12]);
    expect(await claims.next()).toMatchObject({ status: 'claimed', claim: { entry: { index: 12 } } });
    expect(claims.unprocessed()).toEqual([]);
    expect(await claims.next()).toEqual({ status: 'exhausted' });
    expect(calls).toEqual([[10, 11, 12, 13]]);
  });

  it('are made one by one for a paced run', async () => {
    const config = { perSecondOnPeak: 5, perSecondOffPeak: null };
    const { claimer, calls } = claimerUpTo(100, { status: 'stopped' }, { config });
    const claims = claimer.claimsOf('0x2', 0, 2);
    await claims.next();
    expect([claims.unprocessed(), calls]).toEqual([[], [[0]]]);
    await claims.next();
    expect(await claims.next()).toEqual({ status: 'exhausted' });
    expect(calls).toEqual([[0], [1]]);
  });

  it('are answered before the refusal that came with them, which is final', async () => {
    const { claimer, calls } = claimerUpTo(1, { status: 'held', retryInMs: null });
    const claims = claimer.claimsOf('0x3', 0, 3);
    expect(await claims.next()).toMatchObject({ status: 'claimed', claim: { entry: { index: 0 } } });
    expect(await claims.next()).toMatchObject({ status: 'held', retryInMs: null });
    expect(await claims.next()).toMatchObject({ status: 'held' });
    expect(calls).toHaveLength(1);
  });

  it('of several jobs share a call, in which only those that were not reached are refused', async () => {
    const { claimer, calls } = claimerUpTo(3, { status: 'later', ms: 700 });
    const [first, second] = [claimer.claimsOf('0x2', 0, 2), claimer.claimsOf('2x2', 2, 2)];
    await Promise.all([first.next(), second.next()]);
    expect(calls).toEqual([[0, 1, 2, 3]]);
    await Promise.all([first.next(), second.next()]);
    expect(await first.next()).toEqual({ status: 'exhausted' });
    expect(await second.next()).toMatchObject({ status: 'later', ms: 700 });
  });

  it('tell the budget how many others of the process wait for it', async () => {
    const { claimer, waiting } = claimerUpTo(
      2,
      { status: 'budget', ms: 3_600_000 },
      { limits: { concurrency: 2 } },
    );
    const next = (index: number) => claimer.claimsOf(`${index}x1`, index, 1).next();
    const asked = async (times: number) => {
      while (waiting.length < times) {
        await new Promise(setImmediate);
      }
    };
    const refused = [next(5), next(6)];
    await asked(1);
    expect(await next(0)).toMatchObject({ status: 'claimed' });
    claimer.wake();
    await asked(3);
    expect(await next(1)).toMatchObject({ status: 'claimed' });
    expect(waiting).toEqual([0, 2, 0, 2]);
    claimer.close();
    expect(await Promise.all(refused)).toEqual([{ status: 'stopped' }, { status: 'stopped' }]);
  });

  it('wait for the budget no more once the claimer is closed, nor those whose answer comes after that', async () => {
    const { claimer } = claimerUpTo(0, { status: 'budget', ms: 3_600_000 });
    const waiting = Array.from({ length: 12 }, (_, i) => claimer.claimsOf(`${i}x1`, i, 1).next());
    const warnings: Error[] = [];
    const record = (warning: Error) => warnings.push(warning);
    process.on('warning', record);
    await new Promise(setImmediate);
    const late = claimer.claimsOf('20x1', 20, 1).next();
    claimer.close();
    expect(await Promise.all([...waiting, late])).toEqual(
      Array.from({ length: 13 }, () => ({ status: 'stopped' })),
    );
    process.off('warning', record);
    expect(warnings).toEqual([]);
  });
});
