import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import type { BackfillBudget } from '../../../lib/config/backfill-budget.js';
import { WorkerBudget } from '../../../lib/processing/worker-budget.js';

const LEASE_MS = 3_000;

function workerUnder(budget: BackfillBudget) {
  let inForce = resolveBudget(budget);
  let notify: () => void = () => undefined;
  const seen = { reports: 0, wakes: 0 };
  const deps = {
    budget: {
      get limits() {
        return inForce;
      },
      context: 'default',
      onChange: (listener: () => void) => {
        notify = listener;
        return () => undefined;
      },
    },
    calls: { acquire: () => Promise.resolve({ kind: 'unlimited' }) },
    logger: { limit: () => undefined },
    options: { lockDuration: LEASE_MS },
    processId: 'process',
  };
  const worker = new WorkerBudget(
    { backfill: { name: 'one' }, runId: 'run', table: '' } as never,
    deps as never,
    {
      report: () => {
        seen.reports++;
        return Promise.resolve();
      },
      wake: () => seen.wakes++,
    },
  );
  const change = (changed: BackfillBudget) => {
    inForce = resolveBudget(changed);
    notify();
  };
  return { worker, seen, change };
}

describe('the budget of a worker', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('has no timer without limits, and one while there are some', () => {
    const { worker, seen, change } = workerUnder({});
    expect(jest.getTimerCount()).toBe(0);
    change({ concurrency: 4 });
    expect([jest.getTimerCount(), seen.wakes]).toEqual([1, 1]);
    worker.ranges.acquire(1);
    jest.advanceTimersByTime(LEASE_MS);
    expect(seen.reports).toBe(3);
    worker.ranges.release(1);
    jest.advanceTimersByTime(LEASE_MS);
    expect(seen.reports).toBe(3);
    change({ callsPerSecond: { directory: 5 } });
    expect(jest.getTimerCount()).toBe(0);
    worker.close();
  });

  it('has one as soon as the handler names a third party, whose limit may be lowered by others', () => {
    const { worker, change } = workerUnder({ rangesPerSecond: 5 });
    worker.calls.of('directory');
    change({});
    expect(jest.getTimerCount()).toBe(1);
    worker.close();
    expect(jest.getTimerCount()).toBe(0);
    worker.calls.of('other');
    expect(jest.getTimerCount()).toBe(0);
  });
});
