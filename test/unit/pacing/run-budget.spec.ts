import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import { RunBudget } from '../../../lib/pacing/budget/run.budget.js';

function runBudget() {
  const limits = resolveBudget({ concurrency: 4 });
  const used = new RunBudget(
    { runId: 'r', processId: 'p', weight: 1, table: '', leaseMs: 1000 },
    { limits, context: 'default' },
  );
  const told = () => JSON.parse(used.claim()?.text ?? '{}') as Record<string, number>;
  return { used, told };
}

it('a claim tells what ended ranges were expected to take, and took, until one that asks is answered', () => {
  const { used, told } = runBudget();
  expect(told()).toMatchObject({ held: 0, rangeMs: 50, ended: 0, chargedMs: 0, endedMs: 0 });
  used.acquire(2);
  used.release(200);
  expect(told()).toMatchObject({ held: 1, rangeMs: 200, ended: 1, chargedMs: 50, endedMs: 200 });
  used.acquire(0, false);
  expect(told()).toMatchObject({ ended: 1, chargedMs: 50, endedMs: 200 });
  used.acquire(1);
  expect(told()).toMatchObject({ held: 2, ended: 0, chargedMs: 0, endedMs: 0 });
});

it('a range that ends while a claim is under way is told of by the next one', () => {
  const { used, told } = runBudget();
  told();
  used.acquire(2);
  used.release(100);
  told();
  used.release(300);
  used.acquire(1);
  expect(told()).toMatchObject({ held: 1, ended: 1, chargedMs: 50, endedMs: 300 });
});

it('a range that is given back took nothing', () => {
  const { used, told } = runBudget();
  told();
  used.acquire(2);
  used.release(null, 2);
  expect(told()).toMatchObject({ held: 0, rangeMs: 50, ended: 2, chargedMs: 100, endedMs: 0 });
});
