import { describe, expect, it } from '@jest/globals';
import { checkpointState } from '../../../lib/ledger/checkpoint-state.js';
import type { RunProgress } from '../../../lib/ledger/checkpoint-state.js';

const TARGET = 400;
const START: RunProgress = { status: 'running', done: 1_000, failed: 0, planned: 1_400 };

function after(ms: number, progress: Partial<RunProgress>, outstanding = 400) {
  const mark = { at: 0, progress: START, outstanding };
  return checkpointState(mark, { ...START, ...progress }, TARGET, ms);
}

describe('a checkpoint', () => {
  it('is due for a run without one', () => {
    expect(checkpointState(undefined, START, TARGET, 0)).toEqual({ due: true, changed: true, nextMs: null });
  });

  it('is due after a quarter of the window', () => {
    expect(after(500, { done: 1_099 })).toMatchObject({ due: false, changed: true });
    expect(after(500, { done: 1_090, failed: 10 })).toMatchObject({ due: true });
    expect(after(500, { done: 1_050 }).nextMs).toBe(1_000);
  });

  it('is due after ten seconds, later for a large window, and never without progress', () => {
    expect(after(9_999, { planned: 1_401 })).toMatchObject({ due: false, changed: true, nextMs: null });
    expect(after(10_000, { planned: 1_401 })).toMatchObject({ due: true });
    expect(after(10_000, { planned: 1_401 }, 10_000)).toMatchObject({ due: false });
    expect(after(20_000, { status: 'paused' }, 10_000)).toMatchObject({ due: true });
    expect(after(60_000, {})).toMatchObject({ due: false, changed: false });
  });
});
