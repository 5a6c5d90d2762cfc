import { NonRetryableError, type BackfillFailure, type BackfillService } from 'nestjs-backfill';
import {
  createAppBench,
  defineBackfill,
  numbers,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };
const config = { batchSize: 10, attempts: 3, backoffMs: 40, ...unpaced };

/** Fails for some numbers as long as `broken` says so. */
function flaky(size: number, broken: (id: number) => boolean) {
  const tries = new Map<number, { attempt: number; at: number }[]>();
  const handler = defineBackfill<never, NumberRow>({
    name: 'flaky',
    source: numbers(size),
    config,
    processRow: ({ id }, { attempt }) => {
      tries.set(id, [...(tries.get(id) ?? []), { attempt, at: performance.now() }]);
      if (broken(id)) {
        throw new Error(`broken ${id}`);
      }
    },
  });
  return { handler, tries };
}

async function allFailures(backfills: BackfillService, limit: number): Promise<BackfillFailure[]> {
  const items: BackfillFailure[] = [];
  let after: string | null | undefined;
  do {
    const page = await backfills.failures('flaky', { limit, ...(after ? { after } : {}) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    after = page.next;
  } while (after !== null);
  return items;
}

describe('attempts', () => {
  it('back off exponentially, and a range that succeeds in the end is no failure', async () => {
    let failing = 2;
    const tries: { attempt: number; at: number }[] = [];
    const handler = defineBackfill<NumberRange>({
      name: 'slow-to-please',
      source: numbers(10),
      config,
      processRange: (_, { attempt }) => {
        tries.push({ attempt, at: performance.now() });
        if (failing-- > 0) {
          throw new Error('not yet');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('slow-to-please');
    expect(await finished('slow-to-please')).toMatchObject({
      state: 'completed',
      planned: 1,
      done: 1,
      failed: 0,
      rowsDone: 10,
      lastError: { name: 'Error', message: 'not yet' },
    });
    expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    const [first, second, third] = tries.map(({ at }) => at) as [number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(39);
    expect(third - second).toBeGreaterThanOrEqual(79);
  });

  it('that a range has used up are followed by bisection: the row that fails is kept with its error', async () => {
    const touched = new Set<number>();
    const handler = defineBackfill<NumberRange>({
      name: 'range',
      source: numbers(40),
      config: { ...config, attempts: 2 },
      processRange: ({ low, high }) => {
        if (low <= 17 && 17 <= high) {
          throw new TypeError('17 is wrong');
        }
        for (let id = low; id <= high; id++) {
          touched.add(id);
        }
        return high - low + 1;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('range');
    expect(await finished('range')).toMatchObject({
      state: 'failed',
      rowsDone: 39,
      rowsFailed: 1,
      outstanding: 0,
    });
    expect(touched.size).toBe(39);
    const { items, next } = await backfills.failures('range');
    expect(next).toBeNull();
    expect(items).toEqual([
      {
        id: expect.any(String),
        kind: 'row',
        key: { low: 17, high: 17 },
        error: {
          name: 'TypeError',
          message: '17 is wrong',
          stack: expect.stringContaining('TypeError: 17 is wrong'),
        },
        attempts: 2,
        failedAt: expect.stringMatching(/Z$/),
      },
    ]);
  });

  it('are not repeated after a NonRetryableError', async () => {
    let tries = 0;
    const handler = defineBackfill<never, NumberRow>({
      name: 'hopeless',
      source: numbers(3),
      config,
      processRow: ({ id }) => {
        if (id === 2) {
          tries++;
          throw new NonRetryableError('never');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('hopeless');
    expect(await finished('hopeless')).toMatchObject({ state: 'failed', rowsDone: 2, rowsFailed: 1 });
    expect(tries).toBe(1);
  });

  it('of a range that cannot be split end with the failure of the range', async () => {
    const handler = defineBackfill<NumberRange>({
      name: 'whole',
      source: { ...numbers(30), split: undefined },
      config: { ...config, attempts: 1 },
      processRange: ({ low }) => {
        if (low === 11) {
          throw new Error('no');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('whole');
    expect(await finished('whole')).toMatchObject({
      state: 'failed',
      planned: 3,
      done: 2,
      failed: 1,
      rowsFailed: 10,
    });
    expect((await backfills.failures('whole')).items).toMatchObject([
      { kind: 'range', key: { low: 11, high: 20 } },
    ]);
    expect(await backfills.retryFailures('whole')).toMatchObject({ retried: 1, state: 'running' });
    expect(await finished('whole')).toMatchObject({
      planned: 3,
      done: 2,
      failed: 1,
      rowsFailed: 10,
      rowsDone: 20,
    });
    expect((await backfills.failures('whole')).items).toHaveLength(1);
  });
});

describe('maxFailures', () => {
  it('pauses the run once there are more', async () => {
    const { handler } = flaky(100, () => true);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('flaky', { config: { maxFailures: 5, attempts: 1, concurrency: 1 } });
    const status = await finished('flaky');
    expect(status).toMatchObject({
      state: 'paused',
      stateReason: expect.stringContaining('maxFailures (5)'),
    });
    expect(status.outstanding).toBeGreaterThan(0);
  });
});

describe('failures', () => {
  it('are read page by page, and retried all at once', async () => {
    let broken = true;
    const { handler, tries } = flaky(60, (id) => broken && id % 3 === 0);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('flaky');
    expect(await finished('flaky')).toMatchObject({ state: 'failed', rowsDone: 40, rowsFailed: 20 });
    const failures = await allFailures(backfills, 7);
    expect(failures.map(({ key }) => key).toSorted((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 20 }, (_, i) => 3 * (i + 1)),
    );
    expect(new Set(failures.map(({ id }) => id)).size).toBe(20);
    expect([...tries.values()].map((all) => all.length).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 40 }, () => 1),
      ...Array.from({ length: 20 }, () => 3),
    ]);

    broken = false;
    expect(await backfills.retryFailures('flaky')).toMatchObject({ retried: 20, changed: true });
    expect(await finished('flaky')).toMatchObject({
      state: 'completed',
      rowsDone: 60,
      rowsFailed: 0,
      percent: 100,
    });
    expect(await backfills.failures('flaky')).toEqual({ items: [], next: null });
    expect(await backfills.retryFailures('flaky')).toMatchObject({ retried: 0, changed: false });
  });

  it('are retried by id, and one that fails again is kept once', async () => {
    const { handler } = flaky(20, (id) => id === 5 || id === 6);
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('flaky');
    await finished('flaky');
    const before = await allFailures(backfills, 10);
    const five = before.find(({ key }) => key === 5);
    expect(await backfills.retryFailures('flaky', { ids: [five?.id ?? '', 'row-unknown'] })).toMatchObject({
      retried: 1,
    });
    expect(await finished('flaky')).toMatchObject({ state: 'failed', rowsDone: 18, rowsFailed: 2 });
    const after = await allFailures(backfills, 10);
    expect(after.map(({ id }) => id).toSorted()).toEqual(before.map(({ id }) => id).toSorted());
    expect(Date.parse(after[0]?.failedAt ?? '')).toBeGreaterThan(Date.parse(five?.failedAt ?? ''));
  });

  it('are refused for an invalid page', async () => {
    const { handler } = flaky(1, () => false);
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.failures('flaky', { limit: 0 })).rejects.toThrow(
      'expected limit to be a whole number from 1 to 1000, got 0',
    );
    await expect(backfills.failures('flaky', { after: 'x' })).rejects.toThrow('expected after to be');
  });
});
