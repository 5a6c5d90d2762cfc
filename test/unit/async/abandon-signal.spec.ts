import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { AbandonSignal } from '../../../lib/async/abandon-signal.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('an abandonment', () => {
  it('keeps nothing of work that has ended', async () => {
    const abandonment = new AbandonSignal();
    const outcomes: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const outcome = { rows: i };
      outcomes.push(new WeakRef(outcome));
      await abandonment.race(Promise.resolve(outcome));
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    // The last one may still be on the stack.
    expect(outcomes.filter((outcome) => outcome.deref() !== undefined).length).toBeLessThan(5);
    abandonment.abandon();
  });

  it('lets go of work that does not end, and of what comes after', async () => {
    const abandonment = new AbandonSignal();
    const stuck = abandonment.race(new Promise<string>(() => undefined));
    abandonment.abandon();
    expect(await stuck).toBe('abandoned');
    expect(await abandonment.race(new Promise<string>(() => undefined))).toBe('abandoned');
  });

  it('settles as the work does', async () => {
    const abandonment = new AbandonSignal();
    expect(await abandonment.race(Promise.resolve(1))).toBe(1);
    await expect(abandonment.race(Promise.reject(new Error('bad')))).rejects.toThrow('bad');
  });
});
