import {
  BackfillConflictError,
  BackfillNotFoundError,
  idRange,
  keyset,
  NonRetryableError,
} from 'nestjs-backfill';
import type { BackfillSource, StartOptions } from 'nestjs-backfill';
import { ensureCompleted } from 'nestjs-backfill/migrations';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';
import { z } from 'zod';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'renew-items';

/** A backfill that renews items and fails for those in `broken`. */
const renewal = (broken: ReadonlySet<number> = new Set()) =>
  defineBackfill<never, Item>({
    name: NAME,
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
    config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null },
    processRow: (item) => {
      if (broken.has(item.id)) throw new NonRetryableError(`item ${item.id} is broken`);
      item.state = 'renewed';
    },
  });

/** Message of the error that `ensureCompleted` throws; `null` when it passes. */
async function refusal({ app }: BackfillApp, name = NAME): Promise<string | null> {
  try {
    await ensureCompleted(name, { app });
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(BackfillConflictError);
    return (error as Error).message;
  }
}

describe('ensureCompleted', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(1, 20)'));

  it('rejects a backfill that has never run, with the number of rows left', async () => {
    const app = await bench.start({ handlers: [renewal()] });

    expect(await refusal(app)).toBe(
      'Backfill "renew-items" is not complete: it has never been run; 20 rows still match its where. ' +
        'Complete the backfill before running this migration.',
    );
  });

  it('asks for a verified run', async () => {
    const app = await bench.start({ handlers: [renewal()] });
    const refusalOfVerified = () =>
      ensureCompleted(NAME, { app: app.app, verified: true }).then(
        () => null,
        (error: Error) => error.message,
      );
    await app.backfills.start(NAME);
    await app.finished(NAME);
    expect(await refusalOfVerified()).toMatch(/its newest run was not verified: start one with verify: true/);

    await app.backfills.start(NAME, { verify: true });
    await app.finished(NAME);
    expect(await refusalOfVerified()).toBeNull();
  });

  it('passes after a run without failures, and rejects again when new rows match', async () => {
    const app = await bench.start({ handlers: [renewal()] });
    await app.backfills.start(NAME);
    await app.finished(NAME);

    expect(await refusal(app)).toBeNull();

    await bench.database.query('INSERT INTO items (id) VALUES (21), (22)');
    expect(await refusal(app)).toMatch(
      /is not complete: 2 rows still match its where\. Complete the backfill/,
    );
  });

  it('rejects a paused run, with its state and the outstanding ranges', async () => {
    const app = await bench.start({ handlers: [renewal()] });
    await app.backfills.start(NAME, { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await app.backfills.pause(NAME);

    expect(await refusal(app)).toMatch(
      /it is paused at 0 %, with 0 of \d+ planned ranges done and \d+ outstanding; 20 rows still match/,
    );
  });

  it('rejects a run with failures', async () => {
    const app = await bench.start({ handlers: [renewal(new Set([7]))] });
    await app.backfills.start(NAME);
    await app.finished(NAME);

    expect(await refusal(app)).toMatch(
      /it is failed .*; 0 ranges and 1 row failed; 1 row still matches its where/,
    );
  });

  it('rejects a dry run', async () => {
    const app = await bench.start({ handlers: [renewal()] });
    await app.backfills.start(NAME, { dryRun: true });
    await app.finished(NAME);

    expect(await refusal(app)).toMatch(/its newest run was a dry run; 20 rows still match its where/);
  });

  it('rejects an unknown backfill', async () => {
    const { app } = await bench.start({ handlers: [renewal()] });

    await expect(ensureCompleted('nothing', { app })).rejects.toBeInstanceOf(BackfillNotFoundError);
  });
});

describe('ensureCompleted of a backfill whose runs were bounded', () => {
  const COVERED = 'covered-items';

  beforeEach(() => bench.fillItems('SELECT generate_series(1, 100)'));

  function walkOver(source: unknown) {
    return defineBackfill<never, { id: number }>({
      name: COVERED,
      source: source as BackfillSource,
      config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
      processRow: () => undefined,
    });
  }

  async function run({ backfills, finished }: BackfillApp, options: StartOptions = {}): Promise<void> {
    await backfills.start(COVERED, options);
    expect((await finished(COVERED)).state).toBe('completed');
  }

  const sources: [name: string, source: () => unknown, id: (id: number) => unknown][] = [
    ['keyset, ascending', () => keyset(Item, { orderBy: { id: 'asc' } }), (id) => ({ id })],
    ['keyset, descending', () => keyset(Item, { orderBy: { id: 'desc' } }), (id) => ({ id })],
    ['idRange, ascending', () => idRange(Item, { direction: 'asc' }), (id) => id],
    ['idRange, descending', () => idRange(Item), (id) => id],
  ];
  it.each(sources)('rejects it until its runs together cover every row: %s', async (name, source, id) => {
    const descending = name.includes('descending');
    const app = await bench.start({ handlers: [walkOver(source())] });
    await run(app, { from: id(descending ? 10 : 91) });
    expect(await refusal(app, COVERED)).toMatch(
      /is not complete: 90 rows are outside of the bounds that its runs were started with/,
    );

    await run(app, { to: id(descending ? 50 : 51), dryRun: true });
    await run(app, { to: id(descending ? 50 : 51) });
    expect(await refusal(app, COVERED)).toMatch(/: 39 rows are outside of the bounds/);

    await run(app, descending ? { from: id(49), to: id(10) } : { from: id(52), to: id(91) });
    expect(await refusal(app, COVERED)).toBeNull();
    // Rows that the app adds are no more part of bounded runs than of a run without bounds.
    await bench.database.query('INSERT INTO items (id) VALUES (101), (102)');
    expect(await refusal(app, COVERED)).toBeNull();
  });

  it('passes where a run without bounds was completed before', async () => {
    const app = await bench.start({ handlers: [walkOver(keyset(Item, { orderBy: { id: 'asc' } }))] });
    await run(app);
    await run(app, { from: { id: 91 } });

    expect(await refusal(app, COVERED)).toBeNull();
  });

  it('does not count runs of another walk', async () => {
    const narrow = keyset(Item, { orderBy: { id: 'asc' }, partitions: { low: { id: { $lte: 50 } } } });
    const before = await bench.start({ handlers: [walkOver(narrow)] });
    await run(before);
    await before.close();
    const app = await bench.start({ handlers: [walkOver(keyset(Item, { orderBy: { id: 'asc' } }))] });
    expect(await refusal(app, COVERED)).toMatch(
      /the source of its newest run had other rows: partitions was by name and is none/,
    );
    await run(app, { from: { id: 91 } });

    expect(await refusal(app, COVERED)).toMatch(/: 90 rows are outside of the bounds/);
  });

  it('rejects a run that found no rows once there are some', async () => {
    await bench.fillItems([]);
    const app = await bench.start({ handlers: [walkOver(keyset(Item, { orderBy: { id: 'asc' } }))] });
    await run(app);
    expect(await refusal(app, COVERED)).toBeNull();

    await bench.fillItems('SELECT generate_series(1, 7)');
    expect(await refusal(app, COVERED)).toMatch(/its newest run found no rows, and there are 7 now/);
  });

  it('rejects a bounded run of a source that does not say what its runs cover', async () => {
    const app = await bench.start({ handlers: [walkOver(numbers(100))] });
    await run(app, { from: 10 });
    expect(await refusal(app, COVERED)).toMatch(/its newest run was bounded \(from 10\)/);

    await run(app);
    expect(await refusal(app, COVERED)).toBeNull();
  });

  it('passes a bounded run where no row matches the where of its source any more', async () => {
    await bench.database.query(`UPDATE items SET state = 'renewed' WHERE id <= 90`);
    const app = await bench.start({ handlers: [renewal()] });
    await app.backfills.start(NAME, { from: { id: 91 } });
    await app.finished(NAME);

    expect(await refusal(app)).toBeNull();
  });
});

describe('ensureCompleted of a backfill whose run has a canary', () => {
  const params = z.object({ state: z.string() });
  const ofState = (state: string) => ({ params: { state } });
  const renewalOfState = () =>
    defineBackfill<never, Item>({
      name: NAME,
      params,
      source: ({ params: given }) =>
        keyset(Item, { orderBy: { id: 'asc' }, where: { state: params.parse(given).state } }),
      config: { batchSize: 5, perSecondOnPeak: null, perSecondOffPeak: null },
      processRow: (item) => {
        item.state = 'renewed';
      },
    });

  beforeEach(async () => {
    await bench.fillItems('SELECT generate_series(1, 20)');
    await bench.database.query(`UPDATE items SET state = 'old' WHERE id > 12`);
  });

  it('rejects it once the canary has passed, until the whole run is done, for the parameters of the run', async () => {
    const app = await bench.start({ handlers: [renewalOfState()] });
    await app.backfills.start(NAME, { ...ofState('new'), canary: { rows: 7 } });
    expect(await app.finished(NAME)).toMatchObject({ state: 'paused', canary: { state: 'passed' } });
    expect(await refusal(app)).toMatch(/it is paused at 58\.3 %.*; 5 rows still match its where/);
    await app.backfills.resume(NAME);
    expect(await app.finished(NAME)).toMatchObject({ state: 'completed', rowsDone: 12 });
    expect(await refusal(app)).toBeNull();

    await app.backfills.start(NAME, { ...ofState('old'), canary: { rows: 3 } });
    expect(await app.finished(NAME)).toMatchObject({ state: 'paused', canary: { state: 'passed' } });
    expect(await refusal(app)).toMatch(/5 rows still match its where/);
    await app.backfills.cancel(NAME);
    expect(await refusal(app)).toMatch(/cancelled.*; 5 rows still match its where/);
  });
});
