import { decodeStall } from '../../../lib/state/stall.js';
import { activeAtOf } from '../../../lib/status/run-activity.js';
import { currentStall } from '../../../lib/status/run-stall.js';
import { aRun, samplesAt, START } from './a-run.js';

const MINUTE = 60_000;
const waitingFor = { kind: 'unknown', reason: 'something unknown', notes: [], details: {} } as const;

it('something was last done when the samples or the run say so', () => {
  const now = START + 10 * MINUTE;
  const samples = samplesAt(1, now);
  expect(activeAtOf(aRun({ activeAt: START }), samples)).toBe(now);
  expect(activeAtOf(aRun({ activeAt: now - 900 }), samples)).toBe(now - 900);
  expect(activeAtOf(aRun(), [])).toBeNull();
});

describe('a stall that was recorded', () => {
  const since = START + MINUTE;
  const stalled = JSON.stringify({ since, waitingFor });

  it('lasts until something is done, the run is moved, or something holds it', () => {
    const current = (fields: Parameters<typeof aRun>[0], isHeld = false, samples = samplesAt(0, since)) =>
      currentStall(aRun({ stalled, activeAt: since, ...fields }), samples, isHeld);
    expect(current({})).toEqual({ since, waitingFor });
    expect(current({}, true)).toBeNull();
    expect(current({ activeAt: since + 1 })).toBeNull();
    expect(current({}, false, samplesAt(1, since + MINUTE))).toBeNull();
    expect(current({ status: 'paused' })).toBeNull();
    // An earlier version has paused and resumed it, and has left the stall.
    expect(current({ resumes: 1, stateSince: `running|1|${since + 1}|0` })).toBeNull();
  });

  it.each([undefined, '', '{', '[]', '{"since":1}', '{"since":1,"waitingFor":{"kind":"moon"}}'])(
    'is none where it cannot be read: %s',
    (text) => expect(decodeStall(text)).toBeNull(),
  );
});
