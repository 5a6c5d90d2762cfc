import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { Abandonment } from '../../../lib/async/abandonment.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('an abandonment', () => {
  it('keeps nothing of work that has ended', async () => {
    const abandonment = new Abandonment();
    const outcomes: WeakRef<object>[] = [];
    for (let i = 0; i < 100; i++) {
      const outcome = { rows: i };
      outcomes.push(new WeakRef(outcome));
      await abandonment.unless(Promise.resolve(outcome));
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    // The last one may still be on the stack.
    expect(outcomes.filter((outcome) => outcome.deref() !== undefined).length).toBeLessThan(5);
    abandonment.abandon();
  });

  it('lets go of work that does not end, and of what comes after', async () => {
    const abandonment = new Abandonment();
    const stuck = abandonment.unless(new Promise<string>(() => undefined));
    abandonment.abandon();
    expect(await stuck).toBe('abandoned');
    expect(await abandonment.unless(new Promise<string>(() => undefined))).toBe('abandoned');
  });

  it('settles as the work does', async () => {
    const abandonment = new Abandonment();
    expect(await abandonment.unless(Promise.resolve(1))).toBe(1);
    await expect(abandonment.unless(Promise.reject(new Error('bad')))).rejects.toThrow('bad');
  });
});
