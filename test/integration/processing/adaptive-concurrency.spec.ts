import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillThrottle, BackfillStatus } from 'nestjs-backfill';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type BackfillApp,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
const bounds = { min: 1, max: 6 };

/** A throttle that says what the test wants. */
function dial() {
  const state = { pressure: 0, unknown: false };
  const throttle: BackfillThrottle = {
    name: 'dial',
    measure: () => ({ ...state, reason: 'the dial' }),
  };
  return { state, throttle };
}

/** Ranges that only wait, of which any number can be under way; for so long that a busy machine does not double it. */
function waiting(throttles: readonly BackfillThrottle[] = [], config = {}) {
  const seen = { now: 0, most: 0 };
  const handler = defineBackfill<NumberRange>({
    name: 'adaptive',
    source: numbers(10_000_000),
    throttles,
    config: { batchSize: 10, concurrency: bounds, ...UNPACED, ...config },
    processRange: async () => {
      seen.most = Math.max(seen.most, ++seen.now);
      await sleep(100);
      seen.now--;
    },
  });
  return { handler, seen };
}

function status({ backfills }: BackfillApp, what: string, check: (status: BackfillStatus) => boolean) {
  return eventually(what, () => backfills.status('adaptive'), check);
}

const value = ({ concurrency }: BackfillStatus) => concurrency?.value ?? Number.NaN;

describe('a concurrency with bounds', () => {
  it('rises to its maximum where nothing slows down, and says so', async () => {
    const { handler, seen } = waiting();
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    const first = await status(app, 'a concurrency', ({ concurrency }) => concurrency !== null);
    expect(first.concurrency).toMatchObject({ unit: 'ranges', ...bounds });
    const { concurrency } = await status(app, 'the maximum', (it) => value(it) === 6);
    expect(concurrency?.reason).toMatch(/raised: |at its maximum/);
    await eventually(
      'so many ranges at once',
      () => seen.most,
      (most) => most === 6,
    );
    const samples = await eventually(
      'a sample',
      () => app.backfills.samples('adaptive'),
      (all) => all[0]?.concurrency === 6,
    );
    expect(samples[0]?.perSecond).toBeNull();
    await app.backfills.cancel('adaptive');
    expect((await app.backfills.status('adaptive')).concurrency).toBeNull();
  });

  it('follows a throttle instead of the rate, to below its minimum, and back', async () => {
    const { state, throttle } = dial();
    const { handler } = waiting([throttle]);
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    await status(app, 'the maximum', (it) => value(it) === 6);
    state.pressure = 0.9;
    const pressed = await status(app, 'rests', (it) => value(it) < 1);
    expect(pressed.concurrency?.reason).toBe('lowered: the dial');
    expect(pressed.rate).toEqual({ perSecond: null, reason: 'all hours' });
    expect(pressed.throttlePressure).toBe(0.9);
    state.pressure = 1;
    await status(app, 'a hold', ({ held }) => held?.reason === 'the dial');
    state.pressure = 0;
    await status(app, 'more than its minimum', (it) => value(it) > 2);
    await app.backfills.cancel('adaptive');
  });

  it('stays as it is while a throttle does not know its pressure', async () => {
    const { state, throttle } = dial();
    const { handler } = waiting([throttle]);
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    await status(app, 'more than its minimum', (it) => value(it) > 1);
    Object.assign(state, { pressure: 1, unknown: true });
    const held = await status(
      app,
      'a reason',
      ({ concurrency }) => concurrency?.reason === 'steady: the dial',
    );
    expect(held.held?.reason).toBe('the dial');
    expect(value(held)).toBeGreaterThan(1);
    await app.backfills.cancel('adaptive');
  });

  it('is one value for all processes, and outlives the one that decides', async () => {
    const { handler } = waiting();
    const apps = await Promise.all([1, 2, 3].map(() => bench.start({ handlers: [handler] })));
    const [operator] = apps;
    if (!operator) throw new Error('expected an app');
    await operator.backfills.start('adaptive');
    const { runId } = await status(operator, 'three processes', ({ workers }) => workers === 3);
    const keys = new BackfillKeys(bench.keyPrefix());
    const { client } = bench.redis;
    const decides = () => client.get(keys.loadLease(runId ?? ''));
    const known = async () => Object.keys(await client.hgetall(keys.load(runId ?? '')));
    await eventually(
      'all reports',
      known,
      (fields) => fields.filter((field) => !field.startsWith('_')).length === 3,
    );
    const first = await eventually('a process that decides', decides, (id) => id !== null);
    // Closing one after the other also closes the one that decides, and never the operator.
    for (const app of apps.slice(1)) {
      await app.close();
    }
    await eventually(
      'one report',
      known,
      (fields) => fields.filter((field) => !field.startsWith('_')).length === 1,
    );
    const second = await eventually('the process that is left', decides, (id) => id !== null);
    expect(await known()).toContain(second);
    expect(first).not.toBeNull();
    await status(operator, 'the maximum', (it) => value(it) === 6);
    await operator.backfills.cancel('adaptive');
  });

  it('can be set live, also back to a number, and older processes read its minimum', async () => {
    const { handler, seen } = waiting([], { concurrency: 2 });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    const fixed = await status(app, 'some ranges', ({ done }) => done > 6);
    expect(fixed.concurrency).toBeNull();
    expect(seen.most).toBe(2);
    await app.backfills.configure('adaptive', { concurrency: { min: 3, max: 5 } });
    const config = () => bench.redis.client.hgetall(new BackfillKeys(bench.keyPrefix()).config('adaptive'));
    expect(await config()).toMatchObject({ concurrency: '3', 'concurrency.bounds': '{"min":3,"max":5}' });
    await status(app, 'the maximum', (it) => value(it) === 5);
    const { config: inForce } = await app.backfills.config('adaptive');
    expect(inForce.concurrency).toEqual({ min: 3, max: 5 });
    await app.backfills.configure('adaptive', { concurrency: 1 });
    expect(await config()).toMatchObject({ concurrency: '1' });
    expect(await config()).not.toHaveProperty('concurrency.bounds');
    await status(app, 'no bounds', ({ concurrency }) => concurrency === null);
    await eventually(
      'one range at once',
      async () => {
        seen.most = 0;
        await sleep(500);
        return seen.most;
      },
      (most) => most === 1,
    );
    await app.backfills.cancel('adaptive');
  });

  it('of rows is found from the time of each row', async () => {
    const handler = defineBackfill<NumberRange, NumberRow>({
      name: 'adaptive',
      source: numbers(10_000_000),
      config: { batchSize: 50, concurrency: 2, rowConcurrency: { min: 1, max: 8 }, ...UNPACED },
      processRow: async () => {
        await sleep(50);
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    const { concurrency } = await status(app, 'the maximum', (it) => value(it) === 16);
    expect(concurrency).toMatchObject({ unit: 'rows', min: 2, max: 16 });
    await app.backfills.cancel('adaptive');
  });

  it('is lowered by timeouts of the database', async () => {
    let fails = false;
    const handler = defineBackfill<NumberRange>({
      name: 'adaptive',
      source: numbers(10_000_000),
      config: { batchSize: 10, concurrency: bounds, backoffMs: 0, ...UNPACED },
      processRange: async () => {
        await sleep(100);
        if (fails) {
          throw Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
        }
      },
    });
    const app = await bench.start({ handlers: [handler] });
    await app.backfills.start('adaptive');
    await status(app, 'the maximum', (it) => value(it) === 6);
    fails = true;
    const { concurrency } = await status(app, 'a decrease', (it) => value(it) < 4);
    expect(concurrency?.reason).toMatch(/timeouts/);
    await app.backfills.cancel('adaptive');
  });
});
