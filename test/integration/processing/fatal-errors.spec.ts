import { Item, createAppBench, defineBackfill, eventually } from '../../support/apps/index.js';
import { idRange, keyset, type IdRange } from 'nestjs-backfill';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();
const { database } = bench;
const ROWS = 100;
const config = {
  batchSize: 10,
  attempts: 2,
  backoffMs: 1,
  concurrency: 1,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
};
/** Codes by which a whole run may be unable to go on, and that a policy or a trigger may raise for one row. */
const CODES = { 'no privilege': '42501', 'no such table': '42P01', 'no such column': '42703' };

/** From now on the server refuses to update these rows. */
async function refuse(code: string, ids: readonly number[]): Promise<void> {
  await database.query(`
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.id IN (${ids.join(', ') || '0'}) THEN
          RAISE EXCEPTION 'row % is refused', NEW.id USING ERRCODE = '${code}';
        END IF;
        RETURN NEW;
      END $$;
    CREATE OR REPLACE TRIGGER refuse BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION refuse()`);
}

const touch = (row: Item) => void row.touches++;
const shapes = {
  range: defineBackfill<IdRange<Item>>({
    name: 'refused',
    source: idRange(Item, { direction: 'asc' }),
    config,
    processRange: (range, { em }) => em.nativeUpdate(Item, range.where, { touches: 1 }),
  }),
  batch: defineBackfill<never, Item>({
    name: 'refused',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config,
    processBatch: (rows) => rows.forEach(touch),
  }),
  row: defineBackfill<never, Item>({
    name: 'refused',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config: { ...config, rowConcurrency: 3 },
    processRow: async ({ id }, { em }) => {
      await em.nativeUpdate(Item, { id }, { touches: 1 });
    },
  }),
  'row that flushes': defineBackfill<never, Item>({
    name: 'refused',
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config,
    processRow: touch,
  }),
};
type Shape = keyof typeof shapes;

beforeEach(async () => {
  await bench.fillItems(`SELECT generate_series(1, ${ROWS})`);
  await refuse('42501', []);
});

async function untouched(): Promise<number[]> {
  const rows = await database.query<{ id: number }>('SELECT id FROM items WHERE touches = 0 ORDER BY id');
  return rows.map(({ id }) => id);
}

/** `npm test` takes each code and each shape once at least. */
const COMBINATIONS = (Object.keys(shapes) as Shape[]).flatMap((shape, i) => {
  const codes = Object.keys(CODES) as (keyof typeof CODES)[];
  return codes.filter((_, j) => sized(i % codes.length, j) === j).map((what) => [what, shape] as const);
});

describe('an error after which no range seems able to succeed', () => {
  it.each(COMBINATIONS)(
    'is a failure of its row once others have succeeded: %s, %s handler',
    async (what, shape) => {
      await refuse(CODES[what], [42]);
      const { backfills, finished } = await bench.start({ handlers: [shapes[shape]] });
      await backfills.start('refused');
      expect(await finished('refused')).toMatchObject({ state: 'failed', rowsDone: ROWS - 1, rowsFailed: 1 });
      expect(await untouched()).toEqual([42]);
      const { items } = await backfills.failures('refused');
      expect(items).toMatchObject([
        { kind: 'row', error: { message: expect.stringContaining('row 42 is refused') } },
      ]);

      await backfills.retryFailures('refused');
      expect(await finished('refused')).toMatchObject({ state: 'failed', rowsDone: ROWS - 1, rowsFailed: 1 });
      await refuse(CODES[what], []);
      await backfills.retryFailures('refused');
      expect(await finished('refused')).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
    },
  );

  it.each(Object.keys(shapes) as Shape[])(
    'pauses a run of which nothing has succeeded; a resume takes it past the row that is to blame: %s handler',
    async (shape) => {
      await refuse('42501', [1, 2]);
      const { backfills, finished } = await bench.start({ handlers: [shapes[shape]] });
      await backfills.start('refused', { config: { rowConcurrency: 1 } });
      let status = await finished('refused');
      let resumes = 0;
      for (; status.state === 'paused' && resumes < 5; resumes++) {
        expect(status.stateReason).toContain('no range can succeed: ');
        expect(status.stateReason).toContain('is refused');
        await backfills.resume('refused');
        status = await finished('refused');
      }
      expect(resumes).toBeLessThan(5);
      expect(status).toMatchObject({ state: 'failed', rowsDone: ROWS - 2, rowsFailed: 2 });
      expect(await untouched()).toEqual([1, 2]);
    },
  );

  it.each(Object.keys(shapes) as Shape[])(
    'fails no row where no row is to blame: %s handler',
    async (shape) => {
      await refuse(
        '42P01',
        Array.from({ length: ROWS }, (_, i) => i + 1),
      );
      const { backfills, finished } = await bench.start({ handlers: [shapes[shape]] });
      await backfills.start('refused', { config: { concurrency: 4 } });
      expect(await finished('refused')).toMatchObject({
        state: 'paused',
        stateReason: expect.stringContaining('no range can succeed: '),
        rowsDone: 0,
        rowsFailed: 0,
        failed: 0,
      });
      await refuse('42P01', []);
      await backfills.resume('refused');
      expect(await finished('refused')).toMatchObject({ state: 'completed', rowsDone: ROWS, rowsFailed: 0 });
    },
  );

  it('is judged by what has succeeded since the last change of the config or the last resume', async () => {
    await refuse('42501', []);
    const { backfills, finished } = await bench.start({ handlers: [shapes.batch] });
    await backfills.start('refused', { config: { perSecondOnPeak: 5, perSecondOffPeak: 5 } });
    await eventually(
      'some ranges',
      () => backfills.status('refused'),
      ({ done }) => done >= 2,
    );
    await backfills.pause('refused');
    await refuse(
      '42501',
      Array.from({ length: ROWS }, (_, i) => i + 1),
    );
    await backfills.resume('refused');
    const status = await finished('refused');
    expect(status).toMatchObject({ state: 'paused', rowsFailed: 0 });
    await refuse('42501', []);
    await backfills.configure('refused', { perSecondOnPeak: null, perSecondOffPeak: null });
    await backfills.resume('refused');
    expect(await finished('refused')).toMatchObject({ state: 'completed', rowsDone: ROWS });
  });

  it.each(['53100', '25006'])('always pauses where it is one of the server: %s', async (code) => {
    await refuse(code, [42]);
    const { backfills, finished } = await bench.start({ handlers: [shapes.batch] });
    await backfills.start('refused');
    expect(await finished('refused')).toMatchObject({ state: 'paused', rowsFailed: 0 });
    await refuse(code, []);
    await backfills.resume('refused');
    expect(await finished('refused')).toMatchObject({ state: 'completed', rowsDone: ROWS });
  });
});
