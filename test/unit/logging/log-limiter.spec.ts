import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LogLimiter } from '../../../lib/logging/log.limiter.js';

describe('LogLimiter', () => {
  let written: string[];
  let limiter: LogLimiter;
  const add = (kind: string, text: string) => limiter.add(kind, (count) => written.push(`${text} ${count}`));

  beforeEach(() => {
    jest.useFakeTimers();
    written = [];
    limiter = new LogLimiter();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('writes the first line of a kind at once', () => {
    add('retry', 'a');
    add('split', 'b');
    expect(written).toEqual(['a 0', 'b 0']);
  });

  it('writes those that follow within ten seconds as one: the last, with their number', () => {
    ['a', 'b', 'c', 'd'].forEach((text) => add('retry', text));
    jest.advanceTimersByTime(9_999);
    expect(written).toEqual(['a 0']);
    jest.advanceTimersByTime(1);
    expect(written).toEqual(['a 0', 'd 3']);
  });

  it('writes one line in ten seconds as long as they go on, and accounts for each of them', () => {
    for (let i = 0; i < 450; i++) {
      add('retry', String(i));
      jest.advanceTimersByTime(60_000 / 450);
    }
    jest.advanceTimersByTime(10_000);
    expect(written.length).toBeLessThanOrEqual(8);
    const accounted = written.map((line) => Number(line.split(' ')[1]) || 1);
    expect(accounted.reduce((sum, count) => sum + count, 0)).toBe(450);
  });

  it('writes a line at once again after ten seconds without one', () => {
    add('retry', 'a');
    jest.advanceTimersByTime(10_000);
    add('retry', 'b');
    expect(written).toEqual(['a 0', 'b 0']);
  });

  it('writes what it holds back when it is flushed, and leaves no timer', () => {
    add('retry', 'a');
    add('retry', 'b');
    limiter.flush();
    expect(written).toEqual(['a 0', 'b 1']);
    expect(jest.getTimerCount()).toBe(0);
  });
});
