import { describe, expect, it } from '@jest/globals';
import { LateStarts } from '../../../lib/processing/late-starts.js';

describe('ranges that start late', () => {
  it('are counted where they start together, with the largest lateness, and once', () => {
    const late = new LateStarts();
    [30, 29, 28, 1].forEach((ms, i) => late.record(ms, 100 + i / 10));
    expect(late.take()).toEqual({ ranges: 3, ms: 30 });
    expect(late.take()).toEqual({ ranges: 0, ms: 0 });
  });

  it('are not counted together where they start at intervals', () => {
    const late = new LateStarts();
    for (let now = 0; now < 500; now += 5) {
      late.record(10, now);
    }
    expect(late.take()).toEqual({ ranges: 1, ms: 10 });
  });

  it('are those of the turn in which most started', () => {
    const late = new LateStarts();
    [40, 39, 38].forEach((ms, i) => late.record(ms, 100 + i / 10));
    late.record(50, 300);
    expect(late.take()).toEqual({ ranges: 3, ms: 40 });
  });

  it('do not count as late within what is usual for a timer', () => {
    const late = new LateStarts();
    [1, 2, 1.5].forEach((ms) => late.record(ms, 100));
    expect(late.take()).toEqual({ ranges: 0, ms: 0 });
  });
});
