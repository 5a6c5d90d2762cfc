import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillEvent, BackfillRange, BackfillSource } from 'nestjs-backfill';
import { RangeStore } from '../../../lib/state/range.store.js';
import { RunStore } from '../../../lib/state/run.store.js';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'verified-items';
const CONFIG = { batchSize: 10, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null };
const NEW = { where: { state: 'new' } };
const everySecondId = 'SELECT 2 * generate_series(1, 100)';

interface SweptOptions {
  readonly verify?: object;
  /** Called for each batch before its rows change. */
  readonly during?: (batch: number) => Promise<unknown> | void;
  /** What a row becomes. */
  readonly state?: string;
}

/** A backfill whose rows stop to match, in an app. */
async function appOf(
  source: unknown,
  { verify = {}, during, state = 'done' }: SweptOptions = {},
): Promise<BackfillApp> {
  let batch = 0;
  const handler = defineBackfill<never, Item>({
    name: NAME,
    source: source as BackfillSource,
    config: CONFIG,
    verify,
    processBatch: async (rows) => {
      await during?.(batch++);
      for (const row of rows) {
        row.state = state;
        row.touches++;
      }
    },
  });
  return bench.start({ handlers: [handler] });
}

async function left(): Promise<number> {
  const [row] = await bench.database.query("SELECT count(*)::int AS n FROM items WHERE state = 'new'");
  return Number(row?.['n']);
}

/** Inserts rows in the old form once the walk is under way. */
const insertOnce = (ids: readonly number[]) => async (batch: number) => {
  if (batch === 7) await bench.database.query('INSERT INTO items (id) SELECT unnest($1::int[])', [ids]);
};

const behindAndBeyond = [1, 3, 199, 201, 5000];

describe('the sweeps of a verification', () => {
  beforeEach(() => bench.fillItems(everySecondId));

  it.each<[string, unknown]>([
    ['keyset, ascending', keyset(Item, { orderBy: { id: 'asc' }, ...NEW })],
    ['keyset, descending', keyset(Item, { orderBy: { id: 'desc' }, ...NEW })],
    ['keyset with a tie-breaker', keyset(Item, { orderBy: { touches: 'asc' }, ...NEW })],
    ['idRange', idRange(Item, NEW)],
    ['idRange, ascending', idRange(Item, { direction: 'asc', ...NEW })],
    [
      'partitions',
      keyset(Item, {
        orderBy: { id: 'asc' },
        ...NEW,
        partitions: { low: { id: { $lte: 100 } }, high: { id: { $gt: 100 } } },
      }),
    ],
  ])('do rows that were inserted behind the cursor and beyond the bounds: %s', async (_, source) => {
    const { backfills, finished } = await appOf(source, { during: insertOnce(behindAndBeyond) });
    await backfills.start(NAME);
    const status = await finished(NAME);
    expect(status).toMatchObject({ state: 'completed', rowsFailed: 0, verified: { left: 0 } });
    expect(status.verified?.swept).toBeGreaterThan(0);
    expect(await left()).toBe(0);
    const [touched] = await bench.database.query(
      'SELECT max(touches) AS most, count(*)::int AS n FROM items',
    );
    expect(touched).toMatchObject({ most: 1, n: 105 });
  });

  it('do rows of a source of the app', async () => {
    const waiting = new Set(Array.from({ length: 50 }, (_, i) => i + 1));
    const plan: BackfillSource['plan'] = async (_, { cursor, batchSize, limit }) => {
      const after = [...waiting].filter((id) => id > Number(cursor ?? -Infinity)).toSorted((a, b) => a - b);
      const pages = Array.from({ length: Math.min(limit, Math.ceil(after.length / batchSize)) }, (_page, i) =>
        after.slice(i * batchSize, (i + 1) * batchSize),
      );
      return {
        ranges: pages.map((ids) => ({ data: { ids }, rows: ids.length })),
        cursor: pages.at(-1)?.at(-1) ?? cursor,
        exhausted: pages.length < limit,
      };
    };
    const source: BackfillSource = {
      kind: 'waiting',
      open: async () => ({
        partitions: [{ name: '', bounds: true }],
        total: { rows: waiting.size, exact: true },
      }),
      plan,
      openSweep: async () => [{ name: '', bounds: true }],
    };
    const handler = defineBackfill<BackfillRange & { readonly ids: readonly number[] }>({
      name: NAME,
      source,
      config: CONFIG,
      verify: true,
      processRange: ({ ids }: BackfillRange & { readonly ids: readonly number[] }) => {
        if (ids.includes(50)) [-5, 3.5, 1000].forEach((id) => waiting.add(id));
        for (const id of ids) waiting.delete(id);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 3 } });
    expect(waiting.size).toBe(0);
  });

  it('end the run as failed where the app never stops to write the old form', async () => {
    const { backfills, finished, logs } = await appOf(keyset(Item, { orderBy: { id: 'asc' }, ...NEW }), {
      during: () => bench.database.query('INSERT INTO items (id) SELECT coalesce(max(id), 0) + 1 FROM items'),
    });
    await backfills.start(NAME);
    const status = await finished(NAME);
    expect(status).toMatchObject({
      state: 'failed',
      failed: 0,
      rowsFailed: 0,
      stateReason: expect.stringMatching(
        /the app still writes the old form: (at least )?[1-9]\d* rows? in the last \d+ s/,
      ),
    });
    expect(status.verified?.left).toBeGreaterThan(0);
    expect(logs).toBeDefined();
    expect(await backfills.runs(NAME)).toMatchObject([{ status: 'failed', verified: status.verified }]);
  });

  it('handle no row again where the where does not exclude rows that are done', async () => {
    const { backfills, finished } = await appOf(
      keyset(Item, { orderBy: { id: 'asc' }, where: { id: { $gt: 0 } } }),
    );
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({
      state: 'failed',
      rowsDone: 100,
      verified: { left: 100, swept: 0 },
      stateReason: expect.stringMatching(
        /^100 rows still match the where after all 100 were processed: either the where does not exclude/,
      ),
    });
  });

  it.each<[string, unknown, RegExp]>([
    [
      'without a where',
      keyset(Item, { orderBy: { id: 'asc' } }),
      /verify.sweeps to be .* a where that excludes/,
    ],
    ['without a where', idRange(Item), /verify.sweeps to be .* a where that excludes/],
    ['of the app that cannot sweep', numbers(100), /verify.sweeps to be .* openSweep and planSweep/],
  ])('refuse a source %s when the app starts, and when a run does', async (_, source, message) => {
    await expect(appOf(source)).rejects.toThrow(message);
    const handler = defineBackfill({ name: NAME, source: source as BackfillSource, processRange: () => {} });
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.start(NAME, { verify: true })).rejects.toThrow(message);
    await expect(backfills.start(NAME, { verify: { sweeps: -1 } })).rejects.toThrow(
      /verify.sweeps to be a whole number from 0 to 100, got -1/,
    );
    expect(await backfills.runs(NAME)).toEqual([]);
  });

  it('stay within from and to', async () => {
    const { backfills, finished } = await appOf(keyset(Item, { orderBy: { id: 'asc' }, ...NEW }), {
      during: insertOnce([19, 21, 23, 181, 183]),
    });
    await backfills.start(NAME, { from: { id: 21 }, to: { id: 181 } });
    expect(await finished(NAME)).toMatchObject({
      state: 'completed',
      verified: { left: 0, swept: expect.any(Number) },
    });
    const rest = await bench.database.query("SELECT id FROM items WHERE state = 'new' ORDER BY id");
    expect(rest.map(({ id }) => Number(id)).filter((id) => id > 20 && id < 182)).toEqual([]);
    expect(rest).toHaveLength(22);
  });

  it('begin once the failures of the walk were retried', async () => {
    let broken = true;
    const handler = defineBackfill<never, Item>({
      name: NAME,
      source: keyset(Item, { orderBy: { id: 'asc' }, ...NEW }),
      config: CONFIG,
      verify: true,
      processRow: async (row) => {
        if (row.id === 100) await bench.database.query('INSERT INTO items (id) VALUES (1)');
        if (broken && row.id === 60) throw new Error('broken');
        row.state = 'done';
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsFailed: 1, verified: { left: null } });
    broken = false;
    await backfills.retryFailures(NAME);
    const status = await eventually(
      'the run to be verified',
      () => backfills.status(NAME),
      ({ state }) => state === 'completed' || state === 'failed',
    );
    expect(status).toMatchObject({ state: 'completed', rowsFailed: 0, verified: { left: 0, swept: 1 } });
    expect(await left()).toBe(0);
  });

  it('can be paused and resumed, and are told by events and the history', async () => {
    let pausing = true;
    const { backfills, finished } = await appOf(keyset(Item, { orderBy: { id: 'asc' }, ...NEW }), {
      during: async (batch) => {
        await insertOnce([1, 3, 5])(batch);
        if (batch === 10 && pausing) {
          pausing = false;
          await backfills.pause(NAME);
        }
      },
    });
    const seen: BackfillEvent[] = [];
    backfills.events().subscribe((event) => seen.push(event));
    await backfills.start(NAME);
    await eventually(
      'a pause',
      () => backfills.status(NAME),
      ({ state }) => state === 'paused',
    );
    expect(await backfills.status(NAME)).toMatchObject({ state: 'paused', verified: { left: 3, swept: 3 } });
    expect(await backfills.resume(NAME)).toMatchObject({ state: 'verifying', changed: true });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 3 } });
    const phases = await eventually(
      'the last event',
      () => seen.filter(({ type }) => type === 'verifying' || type === 'completed'),
      (events) => events.some(({ type }) => type === 'completed'),
    );
    expect(phases.map(({ type, data }) => [type, data])).toEqual([
      ['verifying', { phase: 'count', round: 1, left: null }],
      ['verifying', { phase: 'sweep', round: 1, left: 3 }],
      ['verifying', { phase: 'count', round: 2, left: null }],
      [
        'completed',
        expect.objectContaining({ failures: 0, verified: expect.objectContaining({ left: 0, swept: 3 }) }),
      ],
    ]);
    const history = await backfills.history(NAME);
    expect(history.filter(({ type }) => type === 'verifying')).toHaveLength(3);
  });

  it('are not part of a dry run, and not of a run that is started without', async () => {
    const { backfills, finished } = await appOf(keyset(Item, { orderBy: { id: 'asc' }, ...NEW }));
    await backfills.start(NAME, { dryRun: true });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: null });
    await expect(backfills.start(NAME, { dryRun: true, verify: true })).rejects.toThrow(/verify to be false/);
    await backfills.start(NAME, { verify: false });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: null });
  });

  it('do not end with the walk where a process of an earlier version plans it, too', async () => {
    const { backfills, finished, app } = await appOf(keyset(Item, { orderBy: { id: 'asc' }, ...NEW }), {
      during: insertOnce([1]),
    });
    await backfills.start(NAME, { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    const { runId, cursor } = await backfills.status(NAME);
    const run = await app.get(RunStore, { strict: false }).read(runId ?? '');
    const reservation = { partition: '', from: cursor, cursor: [200], ranges: [], exhausted: true };
    // As earlier versions write it: without the blank before the cursor.
    const answer = await app.get(RangeStore, { strict: false }).reserve(
      { runId: runId ?? '', backfill: { version: null } as never },
      {
        ...reservation,
        seq: run?.seq ?? 0,
        partitionsDone: [''],
        rangesPerJob: 1,
      },
    );
    expect(answer).toEqual({ kind: 'stale' });
    await backfills.configure(NAME, { perSecondOnPeak: null, perSecondOffPeak: null });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 1 } });
  });
});
