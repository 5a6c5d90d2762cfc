import { expect, it } from '@jest/globals';
import { eventLoopLag } from '../../../lib/throttles/event-loop-lag.js';
import type { ThrottleContext } from '../../../lib/throttles/backfill-throttle.js';

const pause = (ms: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

it('a lag of the event loop counts for every backfill that is measured at the time, until it is over', async () => {
  const throttle = eventLoopLag({ from: 100, to: 200, everyMs: 400 });
  const measureTwice = () =>
    Promise.all([throttle.measure({} as ThrottleContext), throttle.measure({} as ThrottleContext)]);
  await pause(40);
  let [one, other] = await measureTwice();
  while (one.pressure < 1) {
    // Of Node's histogram, the first sample after a reset has no lag.
    await pause(40);
    const until = performance.now() + 300;
    while (performance.now() < until) {
      // The loop is busy.
    }
    await pause(40);
    [one, other] = await measureTwice();
  }
  expect(other).toEqual(one);
  expect(one.reason).toMatch(/^event loop lags \d+ ms$/);
  while (one.pressure > 0) {
    await pause(300);
    [one, other] = await measureTwice();
  }
  expect(other).toEqual(one);
});
