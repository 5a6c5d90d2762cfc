import { setTimeout as sleep } from 'node:timers/promises';
import { EntityManager } from '@mikro-orm/core';
import { Inject } from '@nestjs/common';
import { Backfill, keyset, RateLimitedError } from 'nestjs-backfill';
import type { BackfillContext, RowHandler } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../../support/apps/index.js';
import type { NumberRange, NumberRow } from '../../../support/apps/index.js';

const bench = await createAppBench();
const quick = { perSecondOnPeak: null, perSecondOffPeak: null, backoffMs: 10 };
const byId = keyset(Item, { orderBy: { id: 'asc' } });
const items = () => bench.database.query<Item>('SELECT * FROM items ORDER BY id');
const forever = () => new Promise<void>(() => undefined);

describe('rows of a range', () => {
  it('share their entity manager with the repositories that the app injects', async () => {
    await bench.fillItems('SELECT generate_series(1, 30)');
    @Backfill({ name: 'injecting', source: byId, config: { batchSize: 10, rowConcurrency: 3, ...quick } })
    class Injecting implements RowHandler<Item> {
      constructor(@Inject(EntityManager) private readonly injected: EntityManager) {}

      async processRow(row: Item, { em }: BackfillContext): Promise<void> {
        await sleep(1);
        const found = await this.injected.findOneOrFail(Item, row.id);
        found.touches++;
        found.state = String(found === row && em.getContext() === this.injected.getContext());
      }
    }
    const { backfills, finished } = await bench.start({ handlers: [Injecting] });
    await backfills.start('injecting');
    expect(await finished('injecting')).toMatchObject({ state: 'completed', rowsDone: 30 });
    expect((await items()).filter(({ touches, state }) => touches !== 1 || state !== 'true')).toEqual([]);
  });

  it('that are acknowledged are not repeated when their process dies in the middle of the range', async () => {
    await bench.fillItems('SELECT generate_series(1, 60)');
    let stuck = true;
    const handled: number[] = [];
    const counted = defineBackfill<never, Item>({
      name: 'counted',
      source: byId,
      config: { batchSize: 60, rowConcurrency: 4, rowAckMs: 20, rowTimeoutMs: null, ...quick },
      processRow: async (row) => {
        if (row.id === 50 && stuck) {
          return forever();
        }
        await sleep(5);
        row.touches++;
        handled.push(row.id);
      },
    });
    const first = await bench.start({ handlers: [counted], options: { shutdownTimeout: 50 } });
    await first.backfills.start('counted');
    await eventually(
      'rows to be acknowledged',
      () => first.backfills.status('counted'),
      (status) => status.rowsDone > 20,
    );
    // It ignores its signal, so its range is taken from it as from a process that died.
    await first.close();
    const onlooker = await bench.start({ handlers: [counted], options: { workers: false } });
    const { rowsDone, done, outstanding } = await onlooker.backfills.status('counted');
    expect({ done, outstanding }).toEqual({ done: 0, outstanding: 1 });
    stuck = false;
    handled.length = 0;
    const second = await bench.start({ handlers: [counted] });
    expect(await second.finished('counted')).toMatchObject({ state: 'completed', rowsDone: 60, done: 1 });
    expect(rowsDone).toBeGreaterThan(20);
    expect(handled).toHaveLength(60 - rowsDone);
    expect((await items()).every(({ touches }) => touches === 1 || touches === 2)).toBe(true);
    expect((await items()).filter(({ touches }) => touches === 1).length).toBeGreaterThanOrEqual(rowsDone);
  });

  it('are flushed when they are acknowledged, without the changes of rows that are still running', async () => {
    await bench.fillItems('SELECT generate_series(1, 40)');
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const halves = defineBackfill<never, Item>({
      name: 'halves',
      source: byId,
      config: { batchSize: 40, rowConcurrency: 4, rowAckMs: 20, attempts: 1, ...quick },
      processRow: async (row) => {
        row.state = 'half';
        await sleep(5);
        if (row.id === 20) {
          await gate;
          throw new Error('not this one');
        }
        row.state = 'done';
        row.touches++;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [halves] });
    await backfills.start('halves');
    await eventually('early rows in the database', items, (rows) =>
      rows.some(({ state }) => state === 'done'),
    );
    expect((await items()).filter(({ state }) => state === 'half')).toEqual([]);
    release();
    expect(await finished('halves')).toMatchObject({ state: 'failed', rowsDone: 39, rowsFailed: 1, done: 1 });
    const rows = await items();
    expect(rows.filter(({ touches }) => touches === 1)).toHaveLength(39);
    expect(rows[19]).toMatchObject({ id: 20, state: 'new', touches: 0 });
    const { items: failures } = await backfills.failures('halves');
    expect(failures).toMatchObject([{ kind: 'row', key: 20, error: { message: 'not this one' } }]);
  });

  it('that exceed rowTimeoutMs fail with their signal aborted, and delay no other', async () => {
    await bench.fillItems('SELECT generate_series(1, 30)');
    const aborted: number[] = [];
    const hanging = defineBackfill<never, Item>({
      name: 'hanging',
      source: byId,
      config: { batchSize: 30, rowConcurrency: 3, attempts: 1, rowTimeoutMs: 100, ...quick },
      processRow: (row, { signal }) => {
        if (row.id % 10 === 0) {
          signal.addEventListener('abort', () => aborted.push(row.id));
          return forever();
        }
        row.touches++;
        return undefined;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [hanging] });
    await backfills.start('hanging');
    expect(await finished('hanging')).toMatchObject({ state: 'failed', rowsDone: 27, rowsFailed: 3 });
    expect(aborted.toSorted((a, b) => a - b)).toEqual([10, 20, 30]);
    const { items: failures } = await backfills.failures('hanging');
    expect(failures.map(({ error }) => error.name)).toEqual(
      Array.from({ length: 3 }, () => 'RowTimeoutError'),
    );
    expect((await items()).filter(({ touches }) => touches === 1)).toHaveLength(27);
  });

  it('run more at once as soon as rowConcurrency is raised', async () => {
    await bench.fillItems('SELECT generate_series(1, 300)');
    let active = 0;
    let most = 0;
    const widened = defineBackfill<never, Item>({
      name: 'widened',
      source: byId,
      config: { batchSize: 300, concurrency: 1, rowConcurrency: 1, ...quick },
      processRow: async () => {
        most = Math.max(most, ++active);
        await sleep(10);
        active--;
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [widened] });
    await backfills.start('widened');
    await eventually(
      'a first row',
      () => most,
      (now) => now === 1,
    );
    await backfills.configure('widened', { rowConcurrency: 20 });
    expect(await finished('widened')).toMatchObject({ state: 'completed', rowsDone: 300, planned: 1 });
    expect(most).toBe(20);
  });

  it('start while the last ones of the range before are running, within the same rowConcurrency', async () => {
    await bench.fillItems('SELECT generate_series(1, 400)');
    const active = new Set<number>();
    const seen = { most: 0, ranges: 0 };
    const overlapping = defineBackfill<never, Item>({
      name: 'overlapping',
      source: byId,
      // So many ranges that no job holds them all: those of different jobs are what overlaps.
      config: { batchSize: 5, concurrency: 1, rowConcurrency: 3, ...quick },
      processRow: async (row) => {
        row.touches++;
        active.add(row.id);
        seen.most = Math.max(seen.most, active.size);
        seen.ranges = Math.max(seen.ranges, new Set([...active].map((id) => Math.ceil(id / 5))).size);
        // The last row of a range takes its time.
        await sleep(row.id % 5 === 0 ? 20 : 2);
        active.delete(row.id);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [overlapping] });
    await backfills.start('overlapping');
    expect(await finished('overlapping')).toMatchObject({ state: 'completed', rowsDone: 400, planned: 80 });
    expect(seen).toEqual({ most: 3, ranges: 2 });
    expect((await items()).every(({ touches }) => touches === 1)).toBe(true);
  });

  it('of ranges that overlap are released when the run is paused, and done once', async () => {
    const done: number[] = [];
    let waiting = 0;
    let paused = false;
    const ahead = defineBackfill<NumberRange, NumberRow>({
      name: 'ahead',
      source: numbers(4_000),
      config: { batchSize: 10, concurrency: 1, rowConcurrency: 15, ...quick },
      processRow: async ({ id }, { signal }) => {
        await sleep(1);
        if (!paused && id <= 1_000) {
          waiting++;
          await new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        }
        done.push(id);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [ahead] });
    await backfills.start('ahead');
    await eventually(
      'rows of two ranges',
      () => waiting,
      (rows) => rows === 15,
    );
    await backfills.pause('ahead');
    paused = true;
    await backfills.resume('ahead');
    expect(await finished('ahead')).toMatchObject({ state: 'completed', rowsDone: 4_000, failed: 0 });
    expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 4_000 }, (_, i) => i + 1));
  });
});

describe('quota', () => {
  it('is shared by all processes, whose calls never exceed it', async () => {
    await bench.fillItems('SELECT generate_series(1, 150)');
    const calls: number[] = [];
    const limited = defineBackfill<never, Item>({
      name: 'limited',
      source: byId,
      config: { batchSize: 10, rowConcurrency: 10, quota: { max: 20, perMs: 500 }, ...quick },
      processRow: async (_row, context) => {
        // The row's own call.
        await context.quota();
        calls.push(performance.now());
        await sleep(5);
      },
    });
    const [first] = await Promise.all([
      bench.start({ handlers: [limited] }),
      bench.start({ handlers: [limited] }),
    ]);
    const since = performance.now();
    await first.backfills.start('limited');
    expect(await first.finished('limited')).toMatchObject({ state: 'completed', rowsDone: 150 });
    expect(calls).toHaveLength(150);
    expect(callsAhead(calls, since, 20 / 500)).toBeLessThanOrEqual(1);
  });

  it('counts the further calls of a row, and the calls of a range', async () => {
    await bench.fillItems('SELECT generate_series(1, 20)');
    const calls: number[] = [];
    const config = { batchSize: 10, rowConcurrency: 10, quota: { max: 10, perMs: 300 }, ...quick };
    const twice = defineBackfill<never, Item>({
      name: 'twice',
      source: byId,
      config,
      processRow: async (_row, context) => {
        calls.push(performance.now());
        await context.quota(2);
        calls.push(performance.now());
      },
    });
    const ranges = defineBackfill<never, Item>({
      name: 'ranges',
      source: byId,
      config,
      processBatch: async (rows, context) => {
        await context.quota(rows.length);
        calls.push(performance.now());
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [twice, ranges] });
    const since = performance.now();
    await backfills.start('twice');
    expect(await finished('twice')).toMatchObject({ state: 'completed', rowsDone: 20 });
    expect(calls).toHaveLength(40);
    expect(callsAhead(calls, since, 10 / 300)).toBeLessThanOrEqual(2);
    calls.length = 0;
    await backfills.start('ranges');
    expect(await finished('ranges')).toMatchObject({ state: 'completed', rowsDone: 20 });
    expect(calls).toHaveLength(2);
  });

  it('that is set too high is lowered when the third party asks to wait, and the run is held', async () => {
    await bench.fillItems('SELECT generate_series(1, 40)');
    let asked = false;
    const refused = defineBackfill<never, Item>({
      name: 'refused',
      source: byId,
      config: { batchSize: 20, rowConcurrency: 4, attempts: 1, quota: { max: 100, perMs: 1000 }, ...quick },
      processRow: async () => {
        await sleep(1);
        if (!asked) {
          asked = true;
          throw new RateLimitedError(3_000);
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [refused] });
    await backfills.start('refused');
    const held = await eventually(
      'the run to be held',
      () => backfills.status('refused'),
      ({ rate }) => rate.perSecond === 0,
    );
    expect(held.rate.reason).toMatch(/^held by the third party until \d{4}-\d\d-\d\dT/);
    // A quota that was kept until then is nearly right; what is refused again is cut by a quarter.
    expect(held.callsPerSecond).toBeCloseTo(89.3, 1);
    expect(await finished('refused')).toMatchObject({ state: 'completed', rowsDone: 40, rowsFailed: 0 });
  });

  it('is found from the waits that the third party asks for where none is set', async () => {
    await bench.fillItems('SELECT generate_series(1, 400)');
    const served: number[] = [];
    let refusals = 0;
    const unknown = defineBackfill<never, Item>({
      name: 'unknown',
      source: byId,
      config: { batchSize: 50, rowConcurrency: 10, attempts: 1, ...quick },
      processRow: async () => {
        const now = performance.now();
        await sleep(2);
        if (served.filter((at) => now - at < 200).length >= 20) {
          refusals++;
          throw new RateLimitedError(200);
        }
        served.push(now);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [unknown] });
    await backfills.start('unknown');
    expect(await finished('unknown')).toMatchObject({ state: 'completed', rowsDone: 400, rowsFailed: 0 });
    expect(served).toHaveLength(400);
    expect(refusals).toBeGreaterThan(0);
    expect((await backfills.status('unknown')).callsPerSecond).toBeGreaterThan(0);
  });
});

/** By how many calls they ever exceeded so many a ms; a busy machine can only make them late. */
function callsAhead(times: readonly number[], since: number, perMs: number): number {
  return Math.max(...times.toSorted((a, b) => a - b).map((at, i) => i + 1 - (at - since) * perMs));
}
