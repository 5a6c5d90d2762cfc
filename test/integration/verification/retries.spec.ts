import { idRange, keyset, NonRetryableError } from 'nestjs-backfill';
import { ensureCompleted } from 'nestjs-backfill/migrations';
import type { BackfillSource, IdRange } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'verified-items';
const CONFIG = { batchSize: 10, attempts: 1, backoffMs: 0, perSecondOnPeak: null, perSecondOffPeak: null };
const NEW = { where: { state: 'new' } };
const byId = keyset(Item, { orderBy: { id: 'asc' }, ...NEW });

interface Rows {
  readonly ids: number;
  readonly old: number;
  readonly most: number;
}

async function rows(): Promise<Rows> {
  const [found] = await bench.database.query(
    `SELECT count(*)::int AS ids, count(*) FILTER (WHERE state = 'new')::int AS old, max(touches) AS most FROM items`,
  );
  return found as unknown as Rows;
}

const insert = (ids: readonly number[]) =>
  bench.database.query('INSERT INTO items (id) SELECT unnest($1::int[])', [ids]);

interface Behavior {
  readonly source?: BackfillSource;
  readonly verify?: object | boolean;
  readonly broken?: ReadonlySet<number>;
  /** Called with each row before it is handled. */
  readonly before?: (id: number) => Promise<unknown> | void;
}

function handlerOf({ source = byId, verify = {}, broken, before }: Behavior) {
  return defineBackfill<never, Item>({
    name: NAME,
    source,
    config: CONFIG,
    verify,
    processRow: async (row) => {
      await before?.(row.id);
      if (broken?.has(row.id)) throw new NonRetryableError(`item ${row.id} is broken`);
      row.state = 'done';
      row.touches++;
    },
  });
}

/** Inserts rows once, when the walk is at a row in the middle. */
function insertDuringWalk(ids: readonly number[]): (id: number) => Promise<unknown> | void {
  let inserted = false;
  return (id) => {
    if (id < 60 || inserted) return undefined;
    inserted = true;
    return insert(ids);
  };
}

describe('a verified run with failures', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(11, 110)'));

  it('is verified once the retry of its failures has succeeded', async () => {
    const broken = new Set([42, 77]);
    const handler = handlerOf({ broken, before: insertDuringWalk([1, 2, 3]) });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    const failed = await finished(NAME);
    expect(failed).toMatchObject({ state: 'failed', rowsFailed: 2 });

    broken.clear();
    await backfills.retryFailures(NAME);
    const status = await finished(NAME);
    expect(status).toMatchObject({ state: 'completed', rowsFailed: 0, verified: { left: 0 } });
    expect(await rows()).toEqual({ ids: 103, old: 0, most: 1 });
  });

  it('is not completed by a retry that fails again', async () => {
    const broken = new Set([42]);
    const { backfills, finished } = await bench.start({ handlers: [handlerOf({ broken })] });
    await backfills.start(NAME);
    await finished(NAME);
    await backfills.retryFailures(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsFailed: 1 });
  });

  it('records the failures of rows that a sweep hands out, and goes on once they are retried', async () => {
    const broken = new Set([2]);
    const handler = handlerOf({ broken, before: insertDuringWalk([1, 2, 3]) });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsFailed: 1 });
    expect((await backfills.failures(NAME)).items.map(({ key }) => key)).toEqual([2]);

    broken.clear();
    await backfills.retryFailures(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 3 } });
    expect(await rows()).toEqual({ ids: 103, old: 0, most: 1 });
  });
});

describe('which rows a verification sweeps', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(11, 110)'));

  it('does rows that the app changed back behind the cursor', async () => {
    const changeBack = async () => {
      // Ranges are done side by side, so those before may still be under way.
      const isDone = () =>
        bench.database.query(`SELECT FROM items WHERE id BETWEEN 15 AND 20 AND state = 'done'`);
      await eventually('the rows behind the cursor', isDone, ({ length }) => length === 6);
      await bench.database.query(`UPDATE items SET state = 'new' WHERE id BETWEEN 15 AND 20`);
    };
    let changed = false;
    const before = (id: number) => {
      if (id < 60 || changed) return undefined;
      changed = true;
      return changeBack();
    };
    const { backfills, finished } = await bench.start({ handlers: [handlerOf({ before })] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 6 } });
    expect(await rows()).toEqual({ ids: 100, old: 0, most: 2 });
  });

  it('keeps to the bounds that the start asked for', async () => {
    const before = insertDuringWalk([1, 200]);
    const { backfills, finished } = await bench.start({ handlers: [handlerOf({ before })] });
    await backfills.start(NAME, { from: { id: 51 }, to: { id: 80 } });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 0 } });
    expect(await rows()).toMatchObject({ old: 72 });
  });

  it.each([
    ['keyset', byId],
    ['idRange', idRange(Item, NEW)],
  ])('completes a run of an empty table: %s', async (_, source) => {
    await bench.fillItems([]);
    const handler = handlerOf({ source });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 0 } });
  });

  it('does not redo a table without end whose where does not exclude what is done', async () => {
    const source = keyset(Item, { orderBy: { id: 'asc' }, where: { id: { $gt: 0 } } });
    const { backfills, finished } = await bench.start({
      handlers: [handlerOf({ source })],
    });
    await backfills.start(NAME);
    const status = await finished(NAME);
    expect(status.state).toBe('failed');
    expect((await rows()).most).toBeLessThanOrEqual(2);
  });

  it('sweeps with a range handler, too', async () => {
    let inserted = false;
    const handler = defineBackfill<IdRange<Item, number>>({
      name: NAME,
      source: idRange(Item, NEW),
      config: CONFIG,
      verify: { sweeps: 2 },
      processRange: async ({ where }, { em }) => {
        if (!inserted) {
          inserted = true;
          await insert([1, 500]);
        }
        return em.nativeUpdate(Item, where, { state: 'done' });
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: { left: 0, swept: 2 } });
    expect((await rows()).old).toBe(0);
  });
});

describe('an app that never stops writing the old form', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(10001, 10100)'));

  it('ends the run as failed and says how many rows it wrote', async () => {
    let next = 10_000;
    const before = () => insert([next--]);
    const { backfills, finished } = await bench.start({ handlers: [handlerOf({ before })] });
    await backfills.start(NAME);
    const status = await finished(NAME);
    expect(status.state).toBe('failed');
    expect(status.stateReason).toMatch(/the app still writes the old form: \d+ rows in the last \d+/);
    expect(status.verified?.left).toBeGreaterThan(0);
  });
});

describe('control of a run that is verified', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(11, 110)'));

  it.each(['resume', 'cancel'] as const)('pauses in a sweep, then: %s', async (then) => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const insertLate = insertDuringWalk([1, 2, 3]);
    let atSweep = false;
    const before = async (id: number) => {
      await insertLate(id);
      if (id < 11) {
        atSweep = true;
        await held;
      }
    };
    const { backfills, finished } = await bench.start({
      handlers: [handlerOf({ before })],
      options: { shutdownTimeout: 100 },
    });
    await backfills.start(NAME);
    await eventually(
      'a sweep',
      () => backfills.status(NAME),
      ({ state }) => state === 'verifying' && atSweep,
    );
    expect(await backfills.pause(NAME)).toMatchObject({ changed: true });
    expect((await backfills.status(NAME)).state).toBe('paused');
    release();
    await backfills[then](NAME);
    const status = await finished(NAME);
    if (then === 'resume') {
      expect(status).toMatchObject({ state: 'completed', verified: { left: 0, swept: 3 } });
      expect((await rows()).old).toBe(0);
    } else {
      expect(status.state).toBe('cancelled');
    }
  });

  it('does not start another run meanwhile', async () => {
    const insertLate = insertDuringWalk([1]);
    let started: unknown;
    const { backfills, finished } = await bench.start({
      handlers: [
        handlerOf({
          before: async (id) => {
            await insertLate(id);
            if (id === 1) started = await backfills.start(NAME).catch((error: Error) => error);
          },
        }),
      ],
    });
    await backfills.start(NAME);
    await finished(NAME);
    expect(started).toBeInstanceOf(Error);
  });
});

describe('a migration that asks for a verified run', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(11, 110)'));

  it('passes after one, and after no other', async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [handlerOf({})] });
    await backfills.start(NAME, { verify: false });
    await finished(NAME);
    await ensureCompleted(NAME, { app });
    await expect(ensureCompleted(NAME, { app, verified: true })).rejects.toThrow(
      /its newest run was not verified/,
    );
    await backfills.start(NAME);
    await finished(NAME);
    await ensureCompleted(NAME, { app, verified: true });
  });
});

describe('what cannot be verified', () => {
  beforeEach(() => bench.fillItems('SELECT generate_series(11, 110)'));

  it('does not verify a dry run', async () => {
    const { backfills, finished } = await bench.start({ handlers: [handlerOf({})] });
    await backfills.start(NAME, { dryRun: true });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', verified: null });
  });

  it('refuses sweeps of a source of the app that cannot plan them', async () => {
    const handler = defineBackfill({
      name: NAME,
      source: numbers(100),
      config: CONFIG,
      processRange: () => undefined,
    });
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.start(NAME, { verify: { sweeps: 2 } })).rejects.toThrow(/sweep/i);
    expect((await backfills.status(NAME)).state).toBe('idle');
  });

  it('refuses sweeps of a source without a where', async () => {
    const source = keyset(Item, { orderBy: { id: 'asc' } });
    const handler = handlerOf({ source, verify: false });
    const { backfills } = await bench.start({ handlers: [handler] });
    await expect(backfills.start(NAME, { verify: { sweeps: 2 } })).rejects.toThrow(/where/);
    expect((await backfills.status(NAME)).state).toBe('idle');
  });

  it.each([
    [{ sweeps: -1 }, /sweeps/],
    [{ sweeps: 1.5 }, /sweeps/],
    [{ sweep: 3 }, /sweep/],
    ['yes', /verify/],
  ])('refuses %j', async (verify, message) => {
    const { backfills } = await bench.start({ handlers: [handlerOf({ verify: false })] });
    await expect(backfills.start(NAME, { verify: verify as never })).rejects.toThrow(message);
  });
});
