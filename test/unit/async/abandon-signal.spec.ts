import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { AbandonSignal } from '../../../lib/async/abandon-signal.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('an abandon signal', () => {
  it('holds no reference to work that has ended', async () => {
    const signal = new AbandonSignal();
    const outcomes: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const outcome = { rows: i };
      outcomes.push(new WeakRef(outcome));
      await signal.race(Promise.resolve(outcome));
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    // The last one may still be on the stack.
    expect(outcomes.filter((outcome) => outcome.deref() !== undefined).length).toBeLessThan(5);
    signal.abandon();
  });

  it('ends the wait for work that does not end, and for work that is raced later', async () => {
    const signal = new AbandonSignal();
    const stuck = signal.race(new Promise<string>(() => undefined));
    signal.abandon();
    expect(await stuck).toBe('abandoned');
    expect(await signal.race(new Promise<string>(() => undefined))).toBe('abandoned');
  });

  it('settles as the work does', async () => {
    const signal = new AbandonSignal();
    expect(await signal.race(Promise.resolve(1))).toBe(1);
    // Also where it has just settled.
    const settled = signal.race(Promise.resolve(2));
    signal.abandon();
    expect(await settled).toBe(2);
    await expect(signal.race(Promise.reject(new Error('bad')))).rejects.toThrow('bad');
  });
});
