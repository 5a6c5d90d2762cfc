import { describe, expect, it } from '@jest/globals';
import { MicroBatcher } from '../../../lib/async/micro-batcher.js';

const AN_HOUR = 3_600_000;

/** Answers twice the number, and records the requests of each call. */
function doubling(lingerMs?: number, maxBatch?: number) {
  const calls: number[][] = [];
  const batcher = new MicroBatcher<number, number>(
    async (requests) => {
      calls.push([...requests]);
      await new Promise((resolve) => setImmediate(resolve));
      return requests.map((request) => request * 2);
    },
    lingerMs,
    maxBatch,
  );
  return { batcher, calls };
}

describe('a micro batcher', () => {
  it('makes one call of the requests of a turn, and another of those that arrive meanwhile', async () => {
    const { batcher, calls } = doubling();
    const first = Promise.all([1, 2, 3].map((n) => batcher.add(n)));
    await new Promise((resolve) => setImmediate(resolve));
    const second = Promise.all([4, 5].map((n) => batcher.add(n)));
    expect([await first, await second]).toEqual([
      [2, 4, 6],
      [8, 10],
    ]);
    expect(calls).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('lingers for more, until it is flushed', async () => {
    const { batcher, calls } = doubling(AN_HOUR);
    const one = batcher.add(1);
    await new Promise((resolve) => setImmediate(resolve));
    const two = batcher.add(2);
    batcher.flush();
    expect(await Promise.all([one, two])).toEqual([2, 4]);
    const three = batcher.add(3);
    batcher.flush();
    await new Promise((resolve) => setImmediate(resolve));
    // While the call of the third is under way.
    const four = batcher.add(4);
    batcher.flush();
    expect(await Promise.all([three, four])).toEqual([6, 8]);
    expect(calls).toEqual([[1, 2], [3], [4]]);
  });

  it('flushes all that it holds, also where that is more than a call takes', async () => {
    const { batcher, calls } = doubling(AN_HOUR, 2);
    const all = Promise.all([1, 2, 3, 4, 5].map((n) => batcher.add(n)));
    batcher.flush();
    expect(await all).toEqual([2, 4, 6, 8, 10]);
    expect(calls).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('lingers no longer than lingerMs', async () => {
    const { batcher, calls } = doubling(5);
    expect(await Promise.all([batcher.add(1), batcher.add(2)])).toEqual([2, 4]);
    expect(await batcher.add(3)).toBe(6);
    expect(calls).toEqual([[1, 2], [3]]);
  });

  it('rejects all requests of a call that fails, and goes on', async () => {
    let broken = true;
    const batcher = new MicroBatcher<number, number>(async (requests) => {
      if (broken) {
        throw new Error('gone');
      }
      return requests;
    });
    const answers = await Promise.allSettled([batcher.add(1), batcher.add(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await batcher.add(3)).toBe(3);
  });
});
