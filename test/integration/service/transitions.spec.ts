import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { BackfillConflictError, type BackfillService, type RunStatus } from 'nestjs-backfill';
import { createAppBench, defineBackfill, numbers, type NumberRange } from '../../support/apps/index.js';

const bench = await createAppBench();

type Action = 'start' | 'pause' | 'resume' | 'cancel' | 'retryFailures';

const held = { perSecondOnPeak: 0, perSecondOffPeak: 0 };
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };

/** An app whose backfill is in the wanted state. */
async function appIn(state: RunStatus | 'idle') {
  const work = defineBackfill<NumberRange>({
    name: 'work',
    source: numbers(10),
    config: { batchSize: 5, attempts: 1, ...unpaced },
    processRange: ({ high }) => {
      if (state === 'failed' && high === 5) {
        throw new Error('no');
      }
    },
  });
  const started = await bench.start({ handlers: [work] });
  const { backfills } = started;
  if (state !== 'idle') {
    const over = state === 'completed' || state === 'failed';
    await backfills.start('work', { config: over ? unpaced : held });
    if (over) {
      await started.finished('work');
    }
  }
  if (state === 'paused') {
    await backfills.pause('work');
  }
  if (state === 'cancelled') {
    await backfills.cancel('work');
  }
  expect(await backfills.status('work')).toMatchObject({ state });
  return started;
}

function act(backfills: BackfillService, action: Action) {
  return backfills[action]('work');
}

describe('a transition that is possible', () => {
  it.each<[RunStatus | 'idle', Action, RunStatus]>([
    ['idle', 'start', 'running'],
    ['running', 'pause', 'paused'],
    ['running', 'cancel', 'cancelled'],
    ['paused', 'resume', 'running'],
    ['paused', 'cancel', 'cancelled'],
    ['completed', 'start', 'running'],
    ['failed', 'start', 'running'],
    ['cancelled', 'start', 'running'],
    ['failed', 'retryFailures', 'running'],
  ])('%s: %s leads to %s', async (from, action, to) => {
    const { backfills } = await appIn(from);
    expect(await act(backfills, action)).toMatchObject({ state: to, changed: true });
  });
});

describe('what is so already', () => {
  it.each<[RunStatus, Action]>([
    ['running', 'resume'],
    ['paused', 'pause'],
    ['cancelled', 'cancel'],
    ['completed', 'retryFailures'],
    ['running', 'retryFailures'],
  ])('%s: %s changes nothing', async (state, action) => {
    const { backfills, newest } = await appIn(state);
    const { id } = await newest('work');
    expect(await act(backfills, action)).toMatchObject({ runId: id, state, changed: false });
    expect(await backfills.runs('work')).toHaveLength(1);
  });
});

describe('a transition that is impossible', () => {
  it.each<[RunStatus | 'idle', Action, RegExp]>([
    ['idle', 'pause', /cannot become paused while it is idle: pause is possible while it is running\./],
    ['idle', 'resume', /cannot become running while it is idle: resume is possible while it is paused\./],
    ['idle', 'cancel', /cannot become cancelled while it is idle: .* while it is running or paused\./],
    ['idle', 'retryFailures', /"work" has no run whose failures could be retried/],
    ['running', 'start', /cannot be started while its run \w+ is running/],
    ['paused', 'start', /cannot be started while its run \w+ is paused\. Resume or cancel that run/],
    ['completed', 'pause', /cannot become paused while it is completed/],
    ['completed', 'resume', /cannot become running while it is completed/],
    ['completed', 'cancel', /cannot become cancelled while it is completed/],
    ['failed', 'pause', /cannot become paused while it is failed/],
    ['failed', 'resume', /cannot become running while it is failed/],
    ['failed', 'cancel', /cannot become cancelled while it is failed/],
    ['cancelled', 'pause', /cannot become paused while it is cancelled/],
    ['cancelled', 'resume', /cannot become running while it is cancelled/],
    ['cancelled', 'retryFailures', /cannot become running for a retry of its failures: it is cancelled/],
  ])('%s: %s is refused and names both states', async (state, action, message) => {
    const { backfills } = await appIn(state);
    const refusal = act(backfills, action);
    await expect(refusal).rejects.toThrow(BackfillConflictError);
    await expect(refusal).rejects.toThrow(message);
    expect(await backfills.status('work')).toMatchObject({ state });
  });
});

describe('a backfill that nobody knows', () => {
  it.each([
    'status',
    'start',
    'pause',
    'resume',
    'cancel',
    'preview',
    'failures',
    'retryFailures',
    'runs',
  ] as const)('%s lists the known ones', async (method) => {
    const { backfills } = await appIn('idle');
    await expect(backfills[method]('wrok')).rejects.toThrow('no backfill "wrok" in this app. Known: work.');
  });
});

describe('events', () => {
  it('tell of each move, with who did it and why', async () => {
    const { backfills } = await appIn('idle');
    const paused = firstValueFrom(backfills.events().pipe(filter(({ type }) => type === 'paused')));
    const { runId } = await backfills.start('work', { config: held });
    await backfills.pause('work', { by: 'ada', reason: 'lunch' });
    expect(await paused).toMatchObject({
      type: 'paused',
      backfill: 'work',
      runId,
      data: { by: 'ada', reason: 'lunch' },
    });
    expect(await backfills.status('work')).toMatchObject({ stateReason: 'lunch' });
  });
});
