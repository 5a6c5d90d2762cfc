import { latestUnpaced } from '../../../lib/state/sample.store.js';
import type { BackfillSample } from '../../../lib/state/sample.store.js';

/** Samples a second apart, written oldest first: `u` unpaced, `p` paced, `|` a pause of a minute. */
function latest(drawn: string): string {
  let at = 0;
  const samples: BackfillSample[] = [];
  for (const [i, sign] of drawn.split('').entries()) {
    at += sign === '|' ? 60_000 : 1_000;
    if (sign !== '|') {
      const perSecond = sign === 'u' ? null : 10;
      samples.unshift({
        at,
        done: i,
        rowsDone: i,
        rowsFailed: 0,
        outstanding: 0,
        perSecond,
        concurrency: null,
      });
    }
  }
  return latestUnpaced(samples)
    .map((sample) => sample.done)
    .join(' ');
}

describe('latestUnpaced', () => {
  it.each([
    ['', ''],
    ['ppp', ''],
    ['u', '0'],
    ['uuu', '2 1 0'],
    // The rate of a sample is the one since the sample before it.
    ['ppuu', '3 2 1'],
    ['uupp', '1 0'],
    ['uuppuupp', '5 4 3'],
    ['uu|uu', '4 3'],
    ['pp|uup', '4 3'],
  ])('of %s', (drawn, expected) => {
    expect(latest(drawn)).toBe(expected);
  });
});
