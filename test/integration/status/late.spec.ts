import type { BackfillEvent } from 'nestjs-backfill';
import { RunStore } from '../../../lib/state/run.store.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const HOUR = 3_600_000;

const work = (config = {}) =>
  defineBackfill({
    name: 'work',
    source: numbers(100_000),
    config: { batchSize: 1, perSecondOnPeak: 2, perSecondOffPeak: 2, ...config },
    processRange: () => undefined,
  });

/** Two processes of an app with a run, and the events of its lateness that both have seen. */
async function twoProcesses(finishBy: Date) {
  const options = { keyPrefix: bench.keyPrefix() };
  const first = await bench.start({ handlers: [work()], options });
  // Nest has one logger for both.
  const { logs } = await bench.start({ handlers: [work()], options });
  const events: BackfillEvent[] = [];
  first.backfills.events().subscribe((event) => events.push(event));
  const { runId, late } = await first.backfills.start('work', { finishBy });
  const lateness = () => events.filter(({ type }) => type === 'late' || type === 'onTime');
  const until = (what: string, isSo: () => boolean | Promise<boolean>) => eventually(what, isSo, Boolean);
  return { ...first, late, logs, events, lateness, until, runId, store: first.app.get(RunStore) };
}

it('a run whose end is expected too late is late, until it is expected in time again, and nothing of it changes', async () => {
  const finishBy = new Date(Date.now() + HOUR);
  const { backfills, events, lateness, until, runId, store, logs, late } = await twoProcesses(finishBy);
  // By the rate of the config alone: 100,000 ranges at two a second.
  expect(late).toMatchObject({ limitedBy: { kind: 'rate', value: 2 } });
  expect(late?.by).toBe(Date.parse(late?.eta ?? '') - finishBy.getTime());
  await until('the expectation', async () => (await store.read(runId))?.lateness?.turning != null);
  expect(await backfills.status('work')).toMatchObject({ finishBy: finishBy.toISOString(), late: null });

  // It was expected for long enough.
  const longAgo = Date.now() - HOUR;
  await store.setFields(runId, { lateness: `0|${longAgo}|${longAgo}` });
  await until('the event', () => lateness().length > 0);
  const limitedBy = {
    kind: 'rate',
    value: 2,
    reason: expect.stringMatching(/^2 ranges a second are configured/),
  };
  const expected = {
    eta: expect.any(String),
    by: expect.any(Number),
    limitedBy: expect.objectContaining(limitedBy),
  };
  expect(lateness()).toEqual([
    expect.objectContaining({
      type: 'late',
      backfill: 'work',
      runId,
      data: { finishBy: finishBy.getTime(), ...expected },
    }),
  ]);
  const status = await backfills.status('work');
  expect(status.late).toEqual({ since: expect.any(String), ...expected });
  expect(Date.parse(status.late?.since ?? '')).toBeLessThanOrEqual(Date.parse(status.now));
  const byEta = Date.parse(status.eta ?? '') - finishBy.getTime();
  expect(Math.abs((status.late?.by ?? 0) - byEta)).toBeLessThanOrEqual(1);
  expect(status.rate.perSecond).toBe(2);
  await until('the log', () => logs.having('expected to end at').length > 0);
  expect(logs.having('expected to end at')[0]).toMatch(
    /^warn .*perSecondO.*Peak: 2 ranges a second are configured/,
  );

  // A pause changes nothing: it is late as if it went on now.
  await backfills.pause('work', { by: 'ada' });
  expect((await backfills.status('work')).late).toMatchObject({
    eta: null,
    limitedBy: { kind: 'paused', name: 'ada' },
  });
  await backfills.resume('work');
  expect(lateness()).toHaveLength(1);

  expect(events.map(({ type }) => type)).not.toContain('configured');
  expect(events.filter(({ type }) => type === 'throttled')).toHaveLength(1);
  expect((await backfills.config('work')).patch).toEqual({});

  await backfills.configure('work', { perSecondOnPeak: 10_000, perSecondOffPeak: 10_000 });
  await until('the other expectation', async () => (await store.read(runId))?.lateness?.turning != null);
  await store.setFields(runId, { lateness: `1|${longAgo}|${longAgo}` });
  await until('the end of it', () => lateness().length > 1);
  expect(lateness()[1]).toMatchObject({
    type: 'onTime',
    data: { finishBy: finishBy.getTime(), since: longAgo, eta: expect.any(String) as string },
  });
  expect((await backfills.status('work')).late).toBeNull();
  const history = await backfills.history('work');
  expect(history.map(({ type }) => type).filter((type) => type === 'late' || type === 'onTime')).toEqual([
    'onTime',
    'late',
  ]);
  await backfills.cancel('work');
  expect(await backfills.status('work')).toMatchObject({ finishBy: finishBy.toISOString(), late: null });
});

it('a run that is paused when its time passes is late, once', async () => {
  const { backfills, lateness, until, runId, store } = await twoProcesses(new Date(Date.now() + HOUR));
  await backfills.pause('work', { reason: 'lunch' });
  const finishBy = Date.now();
  await store.setFields(runId, { finishBy });
  await until('the event', () => lateness().length > 0);
  const expected = {
    eta: null,
    by: expect.any(Number),
    limitedBy: { kind: 'paused', name: null, value: null, reason: 'it is paused: lunch' },
  };
  expect(lateness()).toMatchObject([{ type: 'late', data: { finishBy, ...expected } }]);
  const by = Number(lateness()[0]?.data['by']);
  await until('the time to go on', async () => ((await backfills.status('work')).late?.by ?? 0) > by);
  expect((await backfills.status('work')).late).toMatchObject(expected);
  expect(lateness()).toHaveLength(1);
});
