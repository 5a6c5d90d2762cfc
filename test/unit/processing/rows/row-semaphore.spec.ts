import { describe, expect, it } from '@jest/globals';
import { RowSemaphore } from '../../../../lib/processing/rows/row.semaphore.js';
import type { RangePermits } from '../../../../lib/processing/rows/row.semaphore.js';

const ignore = () => undefined;

/** Acquires so many ranges; answers those that have been admitted whenever it is called. */
function acquireRanges(semaphore: RowSemaphore, count: number): () => Promise<RangePermits[]> {
  const admitted: RangePermits[] = [];
  for (let i = 0; i < count; i++) {
    void semaphore.acquireRange().then((permits) => admitted.push(permits));
  }
  return () => new Promise((resolve) => setImmediate(() => resolve([...admitted])));
}

describe('a semaphore of rows', () => {
  it('admits so many ranges, and the next one once the last rows of another have started', async () => {
    const semaphore = new RowSemaphore(
      () => 1,
      () => 3,
    );
    const admitted = acquireRanges(semaphore, 3);
    const [first] = (await admitted()) as [RangePermits];
    expect(await admitted()).toHaveLength(1);
    expect([first.tryAcquire(ignore), first.tryAcquire(ignore), first.tryAcquire(ignore)]).toEqual([
      true,
      true,
      true,
    ]);
    first.setPending(1);
    expect(await admitted()).toHaveLength(1);
    first.setPending(0);
    const [, second] = (await admitted()) as [RangePermits, RangePermits];
    expect(await admitted()).toHaveLength(2);
    expect(second.tryAcquire(ignore)).toBe(false);
    first.release();
    expect([second.tryAcquire(ignore), second.tryAcquire(ignore)]).toEqual([true, false]);
  });

  it('calls a range that got no permit once there is one', async () => {
    const semaphore = new RowSemaphore(
      () => 2,
      () => 1,
    );
    const admitted = acquireRanges(semaphore, 3);
    const [first, second] = (await admitted()) as [RangePermits, RangePermits];
    expect(await admitted()).toHaveLength(2);
    expect([first.tryAcquire(ignore), second.tryAcquire(ignore)]).toEqual([true, true]);
    first.setPending(0);
    const [, , third] = (await admitted()) as [RangePermits, RangePermits, RangePermits];
    expect(await admitted()).toHaveLength(3);
    let called = 0;
    expect(third.tryAcquire(() => called++)).toBe(false);
    semaphore.releaseRange(first);
    expect(called).toBe(1);
    semaphore.releaseRange(second);
    expect(called).toBe(1);
  });

  it('has more permits once the config says so', async () => {
    let ranges = 1;
    const semaphore = new RowSemaphore(
      () => ranges,
      () => 1,
    );
    const admitted = acquireRanges(semaphore, 2);
    expect(await admitted()).toHaveLength(1);
    ranges = 2;
    semaphore.resize();
    const [first, second] = (await admitted()) as [RangePermits, RangePermits];
    expect([first.tryAcquire(ignore), second.tryAcquire(ignore), second.tryAcquire(ignore)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('admits all ranges that wait when it is closed', async () => {
    const semaphore = new RowSemaphore(
      () => 1,
      () => 1,
    );
    const admitted = acquireRanges(semaphore, 3);
    semaphore.close();
    expect(await admitted()).toHaveLength(3);
  });

  it('gets the permits of rows that outlive their range back, and each once', async () => {
    const semaphore = new RowSemaphore(
      () => 1,
      () => 1,
    );
    const first = await semaphore.acquireRange();
    first.tryAcquire(ignore);
    semaphore.releaseRange(first);
    first.release();
    const second = await semaphore.acquireRange();
    expect([second.tryAcquire(ignore), second.tryAcquire(ignore)]).toEqual([true, false]);
  });
});
