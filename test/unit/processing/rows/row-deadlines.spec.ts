import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RowTimeoutError } from '../../../../lib/errors/handler.errors.js';
import { RowDeadlines } from '../../../../lib/processing/rows/row-deadlines.js';
import { LazyAbortController } from '../../../../lib/async/lazy-abort-controller.js';

const forever = () => new Promise<void>(() => undefined);
const sleep = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });

describe('the deadlines of rows', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('end the wait for rows that take too long, and for no other, in the order of the deadlines', async () => {
    let ms: number | null = 80;
    const deadlines = new RowDeadlines(() => ms);
    const over: string[] = [];
    const wait = async (name: string, work: unknown) => {
      const stop = new LazyAbortController();
      await deadlines.within(work, stop).catch((error: unknown) => {
        expect(error).toBeInstanceOf(RowTimeoutError);
        expect(stop.signal.reason).toBe(error);
      });
      over.push(name);
    };
    const slow = wait('slow', forever());
    const quick = wait('quick', sleep(5));
    const failing = deadlines.within(Promise.reject(new Error('own')), new LazyAbortController());
    await expect(failing).rejects.toThrow('own');
    ms = 30;
    const shorter = wait('shorter', forever());
    ms = null;
    const unbounded = wait('unbounded', sleep(120));
    await jest.advanceTimersByTimeAsync(120);
    await Promise.all([slow, quick, shorter, unbounded]);
    expect(over).toEqual(['quick', 'shorter', 'slow', 'unbounded']);
    deadlines.close();
  });

  it('ignore the error of a row that fails after its deadline', async () => {
    const deadlines = new RowDeadlines(() => 5);
    const late = sleep(30).then(() => {
      throw new Error('too late to be heard');
    });
    const within = expect(deadlines.within(late, new LazyAbortController())).rejects.toBeInstanceOf(
      RowTimeoutError,
    );
    await jest.advanceTimersByTimeAsync(40);
    await within;
    deadlines.close();
  });
});
