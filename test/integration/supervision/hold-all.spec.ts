import { once } from 'node:events';
import {
  BACKFILL_JOURNAL_ENTITIES,
  BackfillConflictError,
  BackfillHealthIndicator,
  BackfillRequestError,
  createJournalSchema,
  keyset,
} from 'nestjs-backfill';
import type { BackfillEvent } from 'nestjs-backfill';
import { RUN_MEASURES } from '../../../lib/monitoring/run-measures.js';
import {
  createAppBench,
  defineBackfill,
  eventually,
  Item,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();

const config = { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null };

/** A backfill whose handlers end when their signal is aborted, or when they are let go. */
function waiting(name: string) {
  const started: number[] = [];
  const aborted: number[] = [];
  let go = (): void => undefined;
  const gone = new Promise<void>((resolve) => {
    go = resolve;
  });
  const handler = defineBackfill<NumberRange>({
    name,
    source: numbers(40),
    config: { ...config, attempts: 1 },
    processRange: async ({ low }, { signal }) => {
      started.push(low);
      await Promise.race([gone, once(signal, 'abort')]);
      if (signal.aborted) {
        aborted.push(low);
        signal.throwIfAborted();
      }
    },
  });
  return { handler, started, aborted, go: () => go() };
}

function counting(name: string, rows = 40) {
  const started: number[] = [];
  const handler = defineBackfill<NumberRange>({
    name,
    source: numbers(rows),
    config,
    processRange: ({ low }) => void started.push(low),
  });
  return { handler, started };
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe('a hold of all runs', () => {
  it('stops every run in every process, and a release lets each go on as it was', async () => {
    const one = waiting('one');
    const two = waiting('two');
    const other = counting('other');
    const handlers = [one.handler, two.handler, other.handler];
    const { backfills, finished } = await bench.start({ handlers });
    const beside = await bench.start({ handlers });
    await backfills.start('other', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await backfills.pause('other', { by: 'bob' });
    await backfills.start('one');
    await backfills.start('two');
    await eventually(
      'both to work',
      () => one.started.length * two.started.length,
      (both) => both > 0,
    );

    const receipt = await backfills.hold({ by: 'ada', reason: 'incident 42' });
    expect(receipt).toMatchObject({ changed: true, hold: { by: 'ada', reason: 'incident 42', until: null } });
    await eventually(
      'the signals to be aborted',
      () => [one, two],
      (all) => all.every(({ started, aborted }) => aborted.length === started.length),
    );
    const before = [one.started.length, two.started.length];
    one.go();
    two.go();
    await seconds(1.5);
    expect([one.started.length, two.started.length]).toEqual(before);
    for (const app of [backfills, beside.backfills]) {
      expect(await app.globalHold()).toEqual(receipt.hold);
      expect(await app.status('one')).toMatchObject({
        state: 'running',
        held: { scope: 'all', by: 'ada', reason: 'incident 42', since: receipt.hold?.since, until: null },
        rate: { perSecond: 0, reason: 'all backfills are held by ada: incident 42' },
        eta: null,
        stalled: null,
        workers: 0,
        warnings: [],
        failed: 0,
      });
      expect(await app.status('other')).toMatchObject({ state: 'paused', held: null, pausedBy: 'bob' });
      expect(await app.overview()).toMatchObject({ hold: receipt.hold });
    }

    expect(await beside.backfills.release({ by: 'eve' })).toEqual({ hold: null, changed: true });
    expect(await finished('one')).toMatchObject({ state: 'completed', done: 40, failed: 0, held: null });
    expect(await finished('two')).toMatchObject({ state: 'completed', done: 40, failed: 0, held: null });
    expect(await backfills.status('other')).toMatchObject({ state: 'paused', pausedBy: 'bob' });
    expect(other.started).toEqual([]);
    expect(await backfills.failures('one')).toMatchObject({ items: [] });
  });

  it('has a run that is started, and a process that starts, do nothing before its release', async () => {
    const work = counting('work');
    const { backfills, finished } = await bench.start({ handlers: [work.handler] });
    await backfills.hold({ reason: 'deploy freeze' });
    expect(await backfills.start('work')).toMatchObject({ state: 'running', changed: true });
    const late = counting('work');
    const beside = await bench.start({ handlers: [late.handler] });
    await seconds(2.5);
    expect([...work.started, ...late.started]).toEqual([]);
    expect(await beside.backfills.status('work')).toMatchObject({
      planned: 0,
      warnings: [],
      held: { scope: 'all', by: null },
    });
    await backfills.release();
    expect(await finished('work')).toMatchObject({ state: 'completed', done: 40 });
    expect([...work.started, ...late.started]).toHaveLength(40);
  });

  it('ends by itself, once, at its end by the clock of Redis', async () => {
    const work = counting('work');
    const { backfills, finished } = await bench.start({ handlers: [work.handler] });
    await bench.start({ handlers: [work.handler] });
    const events: BackfillEvent[] = [];
    backfills.events().subscribe((event) => {
      if (event.backfill === '*') {
        events.push(event);
      }
    });
    const until = new Date(Date.now() + 2_000);
    const { hold } = await backfills.hold({ by: 'ada', reason: 'short', until });
    expect(hold?.until).toBe(until.toISOString());
    await backfills.start('work');
    expect(await backfills.status('work')).toMatchObject({ held: { until: until.toISOString() } });
    const ended = await finished('work');
    expect(Date.parse(ended.finishedAt ?? '')).toBeGreaterThanOrEqual(until.getTime());
    expect(await backfills.globalHold()).toBeNull();
    await eventually(
      'both events',
      () => events.length,
      (count) => count === 2,
    );
    await seconds(1.5);
    expect(events).toMatchObject([
      { type: 'heldAll', runId: null, data: { by: 'ada', reason: 'short', until: until.getTime() } },
      {
        type: 'releasedAll',
        runId: null,
        data: { by: 'nestjs-backfill', held: 'short', ended: until.getTime() },
      },
    ]);
    const types = (await backfills.history('work')).map(({ type }) => type);
    expect(types).toEqual(['completed', 'releasedAll', 'heldAll', 'started']);
    expect((await backfills.history('*')).map(({ type }) => type)).toEqual(['releasedAll', 'heldAll']);
  });

  it('is replaced by another one, and changes nothing when it is the same', async () => {
    const work = counting('work');
    const { backfills } = await bench.start({ handlers: [work.handler] });
    await backfills.start('work', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    const { hold: first } = await backfills.hold({ by: 'ada', reason: 'incident' });
    expect(await backfills.hold({ by: 'ada', reason: 'incident' })).toEqual({ hold: first, changed: false });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    expect(await backfills.hold({ by: 'bob', reason: 'longer', until })).toEqual({
      hold: { by: 'bob', reason: 'longer', since: first?.since, until },
      changed: true,
    });
    expect(await backfills.release({ by: 'bob', reason: 'over' })).toMatchObject({ changed: true });
    expect(await backfills.release()).toEqual({ hold: null, changed: false });
    const history = await backfills.history('work', { types: ['heldAll', 'releasedAll'] });
    expect(history.map(({ data }) => [data['by'], data['reason']])).toEqual([
      ['bob', 'over'],
      ['bob', 'longer'],
      ['ada', 'incident'],
    ]);
    expect(await backfills.status('work')).toMatchObject({
      held: { scope: 'run', by: null, reason: expect.stringContaining('rate') as unknown },
    });
  });

  it('is no trouble for health and metrics, and runs are started, paused, resumed and cancelled meanwhile', async () => {
    const names = ['canary', 'paused', 'resumed', 'cancelled'];
    const works = names.map((name) => counting(name));
    const { app, backfills, finished } = await bench.start({ handlers: works.map(({ handler }) => handler) });
    await backfills.hold({ by: 'ada', reason: 'deploy freeze' });
    await backfills.start('canary', { canary: { rows: 5 } });
    for (const name of names.slice(1)) {
      await backfills.start(name);
      expect(await backfills.pause(name, { by: 'bob' })).toMatchObject({ state: 'paused', changed: true });
    }
    expect(await backfills.resume('resumed')).toMatchObject({ state: 'running', changed: true });
    expect(await backfills.cancel('cancelled')).toMatchObject({ state: 'cancelled', changed: true });
    await seconds(1.5);
    expect(works.map(({ started }) => started.length)).toEqual([0, 0, 0, 0]);
    const held = await backfills.status('canary');
    expect(held).toMatchObject({ planned: 0, held: { scope: 'all' }, canary: { state: 'running' } });
    const measures = new Map(RUN_MEASURES.map(({ name, value }) => [name, value(held)]));
    expect(measures.get('backfill.run.held')).toBe(1);
    expect(measures.get('backfill.run.paused_by_library')).toBe(0);
    expect(measures.get('backfill.run.rate')).toBe(0);
    expect(await app.get(BackfillHealthIndicator, { strict: false }).isHealthy('backfills')).toMatchObject({
      backfills: { status: 'up', backfills: { canary: { state: 'running', workers: 0 } } },
    });
    await backfills.release();
    expect(await finished('resumed')).toMatchObject({ state: 'completed', done: 40 });
    const passed = await eventually(
      'the verdict of the canary',
      () => backfills.status('canary'),
      ({ state }) => state === 'paused',
    );
    expect(passed).toMatchObject({ rowsDone: 5, canary: { state: 'passed' } });
    expect(await backfills.status('paused')).toMatchObject({ state: 'paused', pausedBy: 'bob', planned: 0 });
    expect(works.map(({ started }) => started.length)).toEqual([5, 0, 40, 0]);
  });

  it('refuses what it cannot take', async () => {
    const { backfills } = await bench.start({ handlers: [counting('work').handler] });
    await expect(backfills.hold({ reason: ' ' })).rejects.toThrow(BackfillRequestError);
    await expect(backfills.hold({ reason: 'x', until: 'soon' })).rejects.toThrow(
      /expected until to be a time/,
    );
    await expect(backfills.hold({ reason: 'x', until: Date.UTC(2020, 0) })).rejects.toThrow(
      'All backfills: expected until to be a time in the future, got "2020-01-01T00:00:00.000Z".',
    );
    expect(await backfills.globalHold()).toBeNull();
    expect(await backfills.history('*')).toEqual([]);
  });

  it('refuses a rehearsal, and says what to do', async () => {
    await bench.fillItems([1, 2, 3]);
    const touch = defineBackfill<never, Item>({
      name: 'touch',
      source: keyset(Item, { orderBy: { id: 'asc' } }),
      processBatch: (items) => items.forEach((item) => (item.touches += 1)),
    });
    const { backfills } = await bench.start({ handlers: [touch] });
    await backfills.hold({ by: 'ada', reason: 'incident 42' });
    const refused = backfills.rehearse('touch');
    await expect(refused).rejects.toThrow(BackfillConflictError);
    await expect(refused).rejects.toThrow(/held by ada: incident 42\. Release the hold first/);
    await backfills.release();
    expect(await backfills.rehearse('touch')).toMatchObject({ rows: expect.any(Array) as unknown });
  });

  it('has a verification, its sample and an undo start nothing before its release', async () => {
    const statements: string[] = [];
    await createJournalSchema({ addSql: (sql) => statements.push(sql) });
    await bench.database.query(statements.join('\n'));
    await bench.fillItems('SELECT generate_series(11, 50)');
    const swept: number[] = [];
    const verified: number[] = [];
    let letGo = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let inserted = false;
    const touch = defineBackfill<never, Item>({
      name: 'touch',
      source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
      config: { ...config, batchSize: 10, attempts: 1, backoffMs: 0 },
      undo: {},
      verify: { row: ({ id }: Item) => verified.push(id) > 0 },
      processRow: async (item, { signal }) => {
        if (item.id < 10) {
          swept.push(item.id);
          await Promise.race([gone, once(signal, 'abort')]);
          signal.throwIfAborted();
        } else if (!inserted) {
          inserted = true;
          // Behind the cursor, so that a sweep finds them.
          await bench.database.query('INSERT INTO items (id) SELECT generate_series(1, 3)');
        }
        item.state = 'done';
      },
    });
    const { backfills, finished } = await bench.start({
      handlers: [touch],
      entities: [Item, ...BACKFILL_JOURNAL_ENTITIES],
    });
    const rows = () => bench.database.query('SELECT state, count(*)::int FROM items GROUP BY 1 ORDER BY 1');

    await backfills.start('touch');
    await eventually(
      'the sweep',
      () => swept.length,
      (count) => count > 0,
    );
    await backfills.hold({ by: 'ada', reason: 'incident 42' });
    await eventually(
      'the sweep to be aborted',
      () => backfills.status('touch'),
      ({ workers }) => workers === 0,
    );
    const before = swept.length;
    letGo();
    await seconds(1.5);
    expect([swept.length, verified]).toEqual([before, []]);
    expect(await backfills.status('touch')).toMatchObject({
      state: 'verifying',
      held: { scope: 'all', by: 'ada' },
      rate: { perSecond: 0 },
      stalled: null,
      failed: 0,
    });
    await backfills.release();
    const { runId, ...done } = await finished('touch');
    expect(done).toMatchObject({ state: 'completed', verified: { left: 0, swept: 3 } });
    expect(verified).toHaveLength(43);

    await backfills.hold({ by: 'ada', reason: 'incident 43' });
    expect(await backfills.undo('touch', { runId: runId ?? '' })).toMatchObject({
      state: 'running',
      changed: true,
    });
    await seconds(1.5);
    expect(await rows()).toEqual([{ state: 'done', count: 43 }]);
    expect(await backfills.status('touch')).toMatchObject({
      planned: 0,
      held: { scope: 'all', reason: 'incident 43' },
      warnings: [],
    });
    await backfills.release();
    expect(await finished('touch')).toMatchObject({ state: 'completed', rowsDone: 43 });
    expect(await rows()).toEqual([{ state: 'new', count: 43 }]);
  });

  it('keeps retries until its release', async () => {
    let failing = true;
    let calls = 0;
    const work = defineBackfill<NumberRange>({
      name: 'work',
      source: numbers(4),
      config: { ...config, attempts: 1, maxFailures: null },
      processRange: ({ low }) => {
        calls++;
        if (failing && low > 1) {
          throw new Error('no');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [work] });
    await backfills.start('work');
    expect(await finished('work')).toMatchObject({ state: 'failed', rowsFailed: 3 });
    failing = false;
    const before = calls;
    await backfills.hold({ reason: 'incident' });
    expect(await backfills.retryFailures('work')).toMatchObject({ retried: 3, state: 'running' });
    await seconds(1.5);
    expect(calls).toBe(before);
    expect(await backfills.status('work')).toMatchObject({ state: 'running', held: { scope: 'all' } });
    await backfills.release();
    expect(await finished('work')).toMatchObject({ state: 'completed', rowsFailed: 0 });
  });
});
