import { RunBreaker } from '../../../lib/supervision/run.breaker.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();

/** What PostgreSQL raises when its disk is full: no range can succeed. */
function diskFull(): Error {
  return Object.assign(new Error('could not extend file'), { code: '53100', severity: 'ERROR' });
}

describe('an error that pauses the run', () => {
  it('pauses it not again, where the range was claimed before the run was resumed', async () => {
    const walk = defineBackfill({
      name: 'walk',
      source: numbers(1_000),
      config: { batchSize: 1, perSecondOnPeak: 1, perSecondOffPeak: 1 },
      processRange: () => undefined,
    });
    const { app, backfills } = await bench.start({ handlers: [walk] });
    const breaker = app.get(RunBreaker);
    const { runId } = await backfills.start('walk');
    const stateAfter = async (resumes: number) => {
      expect(await breaker.escalate('walk', runId, diskFull(), resumes)).toBe(true);
      return (await backfills.status('walk')).state;
    };

    expect(await stateAfter(0)).toBe('paused');
    await backfills.resume('walk');
    expect(await stateAfter(0)).toBe('running');
    expect(await stateAfter(1)).toBe('paused');
    await backfills.resume('walk');
    expect(await stateAfter(1)).toBe('running');
    await backfills.cancel('walk');
  });
});
