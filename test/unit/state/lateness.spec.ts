import fc from 'fast-check';
import { decodeLateness, encodeLateness, nextLateness } from '../../../lib/state/lateness.js';
import type { Lateness } from '../../../lib/state/lateness.js';

const START = Date.parse('2030-01-01T00:00:00.000Z');
const finishBy = START + 3_600_000;
const HOUR = 3_600_000;

/** What is recorded after an end was expected each second; `null`: it is not known. */
function after(ends: readonly (number | null)[], first: Lateness | null = null): Lateness[] {
  let current = first;
  return ends.map((end, second) => {
    current = nextLateness(current, { finishBy, end, now: START + second * 1000 });
    return current;
  });
}

function changes(states: readonly Lateness[]): number[] {
  return states.flatMap(({ late }, second) => (late === (states[second - 1]?.late ?? false) ? [] : [second]));
}

const seconds = (count: number, end: number | null) => Array.from({ length: count }, () => end);
const tooLate = finishBy + 1;
const early = finishBy - HOUR / 4;

describe('the lateness of a run', () => {
  it('begins once its end was expected too late for 20 seconds', () => {
    expect(changes(after(seconds(60, tooLate)))).toEqual([20]);
    expect(changes(after([...seconds(20, tooLate), ...seconds(20, early), ...seconds(20, tooLate)]))).toEqual(
      [],
    );
  });

  it('ends once its end was expected clearly in time for a minute', () => {
    const states = after([...seconds(21, tooLate), ...seconds(100, early)]);
    expect(changes(states)).toEqual([20, 81]);
    expect(states.at(-1)).toMatchObject({ late: false, since: START + 81_000 });
    // Just in time is not clearly.
    expect(changes(after([...seconds(21, tooLate), ...seconds(600, finishBy - 60_000)]))).toEqual([20]);
  });

  it('does not change while the end is not known', () => {
    expect(changes(after(seconds(600, null)))).toEqual([]);
    expect(changes(after([...seconds(21, tooLate), ...seconds(600, null)]))).toEqual([20]);
    expect(changes(after([...seconds(15, tooLate), null, ...seconds(15, tooLate)]))).toEqual([]);
  });

  it('begins at once when the time has passed, whatever is expected', () => {
    for (const end of [null, early, finishBy, tooLate]) {
      const before = { late: false, since: START, turning: null };
      const now = finishBy;
      expect(nextLateness(before, { finishBy, end, now })).toEqual({ late: true, since: now, turning: null });
      expect(nextLateness(null, { finishBy, end, now }).late).toBe(true);
      expect(nextLateness(null, { finishBy, end, now: now - 1 }).late).toBe(false);
    }
  });

  it('does not change with an end that goes up and down around the time', () => {
    const noise = fc.array(fc.integer({ min: -30_000, max: 30_000 }), { minLength: 600, maxLength: 600 });
    fc.assert(
      fc.property(noise, (offsets) => {
        expect(changes(after(offsets.map((offset) => finishBy + offset))).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('changes at most so often, whatever is expected', () => {
    const end = fc.option(fc.integer({ min: START, max: finishBy + HOUR }));
    const stretch = fc.tuple(fc.integer({ min: 1, max: 90 }), end);
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 1, maxLength: 20 }), (stretches) => {
        const ends = stretches.flatMap(([count, each]) => seconds(count, each));
        const moments = changes(after(ends));
        moments.forEach((second, i) => {
          const since = second - (moments[i - 1] ?? 0);
          expect(since).toBeGreaterThanOrEqual(i % 2 === 0 ? 20 : 60);
        });
      }),
    );
  });

  it('is stored as text', () => {
    const time = fc.nat({ max: 4e12 });
    const lateness = fc.record({ late: fc.boolean(), since: time, turning: fc.option(time) });
    fc.assert(fc.property(lateness, (it) => expect(decodeLateness(encodeLateness(it))).toEqual(it)));
    for (const text of [null, '', '1', '2|1|', 'x|1|', '1||', '1|1|x', '1|1']) {
      expect(decodeLateness(text)).toBeNull();
    }
  });
});
