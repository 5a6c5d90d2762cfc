import { holdOf } from '../../../lib/status/run-hold.js';
import { aRun, START } from './a-run.js';

const until = START + 60_000;
const held = { holdUntil: until, holdReason: 'the database is away', holdSince: `${until}|${START}` };

describe('a hold of all runs', () => {
  const all = { by: 'ada', reason: 'incident 42', since: START - 5, until: null };

  it('is what holds a running run, whatever else does, and not one that is paused', () => {
    const rate = { interval: '-1', rateSince: `-1|${START}` };
    for (const run of [aRun({}), aRun(held), aRun(rate)]) {
      expect(holdOf(run, null, START + 1, all)).toEqual({ scope: 'all', ...all });
    }
    expect(holdOf(aRun({ status: 'paused' }), null, START + 1, all)).toBeNull();
  });

  it('leaves nothing behind once it is over, as nothing is tried again then', () => {
    const over = { ...held, heldAllUntil: until };
    expect(holdOf(aRun(over), null, until + 1)).toBeNull();
  });
});

describe('a hold', () => {
  it('is known with its end while it is in force', () => {
    expect(holdOf(aRun(held), null, until - 1)).toEqual({
      scope: 'run',
      by: null,
      reason: 'the database is away',
      since: START,
      until,
    });
  });

  it('counts after its end until something is done, as an outage is met again', () => {
    const retried = { scope: 'run', by: null, reason: 'the database is away', since: START, until: null };
    expect(holdOf(aRun(held), null, until)).toEqual(retried);
    expect(holdOf(aRun({ ...held, activeAt: START }), null, until + 9_999)).toEqual(retried);
    expect(holdOf(aRun({ ...held, activeAt: until + 1 }), null, until + 2)).toBeNull();
  });

  it('counts for some seconds after its end at most, and not once the run was resumed', () => {
    expect(holdOf(aRun(held), null, until + 10_000)).toBeNull();
    const stateSince = `running|1|${until + 1}|0`;
    expect(holdOf(aRun({ ...held, resumes: 1, stateSince }), null, until + 2)).toBeNull();
  });
});
