import { describe, expect, it } from '@jest/globals';
import { LateStarts } from '../../../lib/processing/late-starts.js';

describe('ranges that start late', () => {
  it('are counted once, with the largest lateness, beyond what is usual for a timer', () => {
    const late = new LateStarts();
    [29, 30, 1, 28, 2].forEach((ms) => late.record(ms));
    expect(late.take()).toEqual({ ranges: 3, ms: 30 });
    expect(late.take()).toEqual({ ranges: 0, ms: 0 });
  });
});
