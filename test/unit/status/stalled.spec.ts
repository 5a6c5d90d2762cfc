import { activeAtOf, isStalled } from '../../../lib/status/run-activity.js';
import { aRun, facts, samplesAt, START } from './a-run.js';

const MINUTE = 60_000;

function stalled(fields: Parameters<typeof aRun>[0], overrides: Parameters<typeof facts>[0] = {}): boolean {
  return isStalled(aRun(fields), facts({ now: START + 10 * MINUTE, ...overrides }));
}

describe('a stalled run', () => {
  it('has done nothing for a minute', () => {
    expect(stalled({ activeAt: START + 9 * MINUTE, done: 5000 })).toBe(true);
    expect(stalled({ activeAt: START + 9 * MINUTE + 1, done: 5000 })).toBe(false);
    // Not even once since it was started.
    expect(stalled({})).toBe(true);
  });

  it('is not one whose rate lets nothing more be expected', () => {
    // A range in four minutes.
    const slow = { interval: 240_000_000, rateSince: `240000000|${START}`, activeAt: START + MINUTE };
    expect(stalled({ ...slow, done: 5000 })).toBe(false);
    expect(stalled({ ...slow, done: 5000 }, { now: START + 13 * MINUTE })).toBe(true);
    // Calls of a quota.
    const quiet = { activeAt: START + 5 * MINUTE, done: 5000 };
    expect(stalled(quiet, { shape: 'row', callsPerSecond: 1 / 120 })).toBe(false);
    expect(stalled(quiet, { shape: 'row', callsPerSecond: 1 / 60 })).toBe(true);
    // Ranges took two minutes each so far.
    expect(stalled({ activeAt: START + 6 * MINUTE, done: 3 })).toBe(false);
  });

  it.each([
    ['its state', { stateSince: `running|0|${START + 9.5 * MINUTE}|100` }],
    ['its rate', { rateSince: `100000|${START + 9.5 * MINUTE}` }],
    ['the end of its hold', { holdUntil: START + 9.5 * MINUTE }],
  ])('is one since %s, at the earliest', (_, fields) => {
    expect(stalled({ activeAt: START, done: 100, ...fields })).toBe(false);
  });

  it('is none where workers of an earlier version, which record nothing, may work on it', () => {
    expect(stalled({ done: 10 })).toBe(false);
    expect(stalled({ stateSince: '', rateSince: '' })).toBe(false);
  });

  it('is none while samples show that something is done', () => {
    const now = START + 10 * MINUTE;
    const samples = samplesAt(1, now);
    expect(activeAtOf(aRun({ activeAt: START }), samples)).toBe(now);
    expect(activeAtOf(aRun({ activeAt: now - 900 }), samples)).toBe(now - 900);
    expect(activeAtOf(aRun(), [])).toBeNull();
    expect(stalled({ activeAt: START, done: 60 }, { samples })).toBe(false);
  });
});
