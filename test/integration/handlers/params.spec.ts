import { Backfill, BackfillParamsError, keyset, NonRetryableError } from 'nestjs-backfill';
import type {
  BackfillContext,
  BatchHandler,
  RangeHandler,
  RowVerifier,
  VerifyContext,
} from 'nestjs-backfill';
import { z } from 'zod';
import {
  createAppBench,
  defineBackfill,
  eventually,
  Item,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const UNPACED = { batchSize: 4, perSecondOnPeak: null, perSecondOffPeak: null };
const HELD = { ...UNPACED, perSecondOnPeak: 0, perSecondOffPeak: 0 };

const schema = z.object({
  state: z.string(),
  since: z.coerce.date(),
  token: z.string().meta({ secret: true }),
});
type Params = z.infer<typeof schema>;
const PARAMS = { state: 'new', since: new Date(7), token: 'geheim' };
const SHOWN = { state: 'new', since: '1970-01-01T00:00:00.007Z', token: '***' };

/** A backfill of the items of one state, and what its handler and its verification were given. */
function byState() {
  const seen: unknown[] = [];
  @Backfill({
    name: 'by-state',
    params: schema,
    source: ({ params }) => keyset(Item, { orderBy: { id: 'asc' }, where: { state: params.state } }),
    config: { ...UNPACED, attempts: 1 },
    verify: true,
  })
  class ByState implements BatchHandler<Item, Params>, RowVerifier<Item, Params> {
    processBatch(rows: Item[], { params }: BackfillContext<Params>) {
      seen.push(params);
      rows.forEach((row) => {
        if (row.id === 13 && row.touches === 0) {
          row.touches = -1;
          throw new NonRetryableError('13');
        }
        row.state = `done since ${params.since.getTime()}`;
      });
    }
    verifyRow(row: Item, { params }: VerifyContext<Params>) {
      seen.push(params);
      return row.state === `done since ${params.since.getTime()}`;
    }
  }
  return { handler: ByState, seen };
}

it('the source, the handler and the verification of a run have its parameters, in each process', async () => {
  await bench.fillItems('SELECT generate_series(1, 30)');
  await bench.database.query(`UPDATE items SET state = 'other' WHERE id > 20`);
  const [one, two] = [byState(), byState()];
  const first = await bench.start({ handlers: [one.handler] });
  const second = await bench.start({ handlers: [two.handler], options: { workers: false } });

  expect(await second.backfills.preview('by-state', { params: PARAMS })).toMatchObject({ rowsTotal: 20 });
  await second.backfills.start('by-state', { params: PARAMS });
  expect(await first.finished('by-state')).toMatchObject({ state: 'failed', rowsDone: 19, params: SHOWN });
  await bench.database.query('UPDATE items SET touches = 1 WHERE id = 13');
  await second.backfills.retryFailures('by-state');

  const status = await eventually(
    'the retry to be over',
    () => second.backfills.status('by-state'),
    ({ state }) => state === 'completed',
  );
  expect(status).toMatchObject({ rowsTotal: 20, params: SHOWN, takesParams: true });
  expect(status.verified).toMatchObject({ left: 0, sampled: 20, mismatched: 0 });
  expect(status.paramsSchema).toMatchObject({ required: ['state', 'since', 'token'] });
  expect(new Set(one.seen)).toEqual(new Set([PARAMS]));
  const counts = await bench.database.query('SELECT state, count(*)::int FROM items GROUP BY 1 ORDER BY 1');
  expect(counts).toEqual([
    { state: 'done since 7', count: 20 },
    { state: 'other', count: 10 },
  ]);
});

it('parameters are shown without secrets, and kept with them nowhere else than in the run', async () => {
  const { handler } = byState();
  const app = await bench.start({ handlers: [handler] });
  await bench.fillItems([1]);
  await app.backfills.start('by-state', { params: PARAMS });
  await app.finished('by-state');
  expect(await app.newest('by-state')).toMatchObject({ params: SHOWN });
  expect(await app.backfills.list()).toMatchObject([{ params: SHOWN }]);
  const history = await app.backfills.history('by-state');
  expect(history.find(({ type }) => type === 'started')?.data).toMatchObject({ params: SHOWN });
  expect(JSON.stringify([history, await app.backfills.overview(), app.logs])).not.toContain('geheim');
});

it('parameters that are not valid start nothing', async () => {
  const { handler } = byState();
  const plain = defineBackfill({ name: 'plain', source: numbers(3), processRange: () => {} });
  const app = await bench.start({ handlers: [handler, plain] });
  const error: unknown = await app.backfills
    .start('by-state', { params: { ...PARAMS, state: 3 } })
    .catch((it: unknown) => it);
  expect(error).toBeInstanceOf(BackfillParamsError);
  expect((error as Error).message).toContain('params.state: expected string, got 3');
  await expect(app.backfills.preview('by-state')).rejects.toThrow(BackfillParamsError);
  await expect(app.backfills.start('plain', { params: { a: 1 } })).rejects.toThrow(
    'params: expected none, as its @Backfill has no option params, got an object',
  );
  expect(await app.backfills.runs('by-state')).toEqual([]);
});

it('a source that does not fit is refused at the start of a run', async () => {
  const handler = (name: string, source: () => never) =>
    defineBackfill({ name, params: z.looseObject({}), source, processRow: () => {} });
  const app = await bench.start({
    handlers: [
      handler('none', () => ({}) as never),
      handler('throws', () => {
        throw new Error('no such table');
      }),
      handler('misfit', () => keyset(Item, { orderBy: { nmae: 'asc' } } as never) as never),
    ],
  });
  await expect(app.backfills.start('none')).rejects.toThrow('must have the methods open, plan');
  await expect(app.backfills.start('throws')).rejects.toThrow('no such table');
  await expect(app.backfills.start('misfit')).rejects.toThrow('nmae');
});

/** A version of a handler whose schema multiplies its parameter, or has another one. */
function walk(params: z.ZodType | undefined) {
  const seen: unknown[] = [];
  @Backfill({ name: 'walk', ...(params && { params }), source: numbers(20), config: HELD })
  class Walk implements RangeHandler<NumberRange> {
    processRange(_: NumberRange, context: BackfillContext) {
      seen.push(context.params);
    }
  }
  return { handler: Walk, seen };
}

it.each<[string, z.ZodType | undefined, string]>([
  ['refuses them', z.object({ by: z.string() }), 'params.by: expected string, got 2'],
  ['has another default', z.object({ by: z.number().transform((by) => by * 3) }), 'have other values'],
  ['takes none', undefined, 'its handler takes none in this version of the app'],
])('a process whose schema %s does not work on the run', async (_, changed, reason) => {
  const [own, other] = [walk(z.object({ by: z.number().transform((by) => by * 2) })), walk(changed)];
  const first = await bench.start({ handlers: [own.handler] });
  await first.backfills.start('walk', { params: { by: 2 } });
  await first.close();
  const second = await bench.start({ handlers: [other.handler] });
  const paused = await eventually(
    'the run to be paused',
    () => second.backfills.status('walk'),
    ({ state }) => state === 'paused',
  );
  expect(paused.stateReason).toContain(reason);
  await expect(second.backfills.resume('walk')).rejects.toThrow(reason);
  await second.backfills.configure('walk', UNPACED);
  const third = await bench.start({ handlers: [own.handler] });
  await third.backfills.resume('walk');
  expect(await third.finished('walk')).toMatchObject({ state: 'completed', rowsDone: 20 });
  expect(own.seen[0]).toEqual({ by: 4 });
  expect(other.seen).toEqual([]);
});

it('a process whose schema refuses the parameters of a run that others work on says so in its status', async () => {
  const [own, other] = [walk(z.object({ by: z.number() })), walk(z.object({ by: z.number().max(1) }))];
  const first = await bench.start({ handlers: [own.handler] });
  const second = await bench.start({ handlers: [other.handler] });
  await first.backfills.start('walk', { params: { by: 2 } });
  const { warnings } = await eventually(
    'the warning',
    () => second.backfills.status('walk'),
    (status) => status.warnings.length > 0,
  );
  expect(warnings).toEqual([
    expect.stringMatching(
      /^This process does not work on the run: its parameters are not valid in this version of the app: params\.by: expected number to be <=1, got 2\. Deploy the version/,
    ),
  ]);
  expect(await first.backfills.status('walk')).toMatchObject({ state: 'running', warnings: [] });
  await first.backfills.configure('walk', UNPACED);
  expect(await first.finished('walk')).toMatchObject({ state: 'completed', rowsDone: 20 });
  expect(other.seen).toEqual([]);
});

it('a source of the parameters has its partitions, splits, retries, sweeps and sample in each process', async () => {
  await bench.fillItems('SELECT generate_series(1, 60)');
  await bench.database.query(`UPDATE items SET state = 'other' WHERE id > 40`);
  const params = z.object({ state: z.string(), border: z.int() });
  let isBroken = true;
  const seen = new Set<unknown>();
  const partitioned = () => {
    @Backfill({
      name: 'partitioned',
      params,
      source: ({ params: { state, border } }) =>
        keyset(Item, {
          orderBy: { id: 'asc' },
          where: { state },
          partitions: { low: { id: { $lte: border } }, high: { id: { $gt: border } } },
        }),
      config: { ...UNPACED, batchSize: 8, attempts: 1, backoffMs: 1 },
      verify: true,
    })
    class Partitioned implements BatchHandler<Item, z.infer<typeof params>>, RowVerifier<Item> {
      processBatch(rows: Item[], context: BackfillContext<z.infer<typeof params>>) {
        seen.add(JSON.stringify(context.params));
        if (isBroken && rows.some(({ id }) => id === 13)) {
          throw new Error('13');
        }
        rows.forEach((row) => (row.state = 'done'));
      }
      verifyRow(row: Item) {
        return row.state === 'done';
      }
    }
    return Partitioned;
  };
  const given = { state: 'new', border: 10 };
  const first = await bench.start({ handlers: [partitioned()] });
  const preview = await first.backfills.preview('partitioned', { params: given });
  expect(preview).toMatchObject({ rowsTotal: 40, total: 6 });
  await first.backfills.start('partitioned', { params: given });
  // The batch is split down to the row that fails.
  expect(await first.finished('partitioned')).toMatchObject({ state: 'failed', rowsDone: 39, rowsFailed: 1 });
  expect((await first.backfills.failures('partitioned')).items).toMatchObject([{ kind: 'row', key: 13 }]);
  await first.close();

  isBroken = false;
  const second = await bench.start({ handlers: [partitioned()] });
  await second.backfills.retryFailures('partitioned');
  const status = await eventually(
    'the retry to be over',
    () => second.backfills.status('partitioned'),
    ({ state }) => state === 'completed',
  );
  expect(status).toMatchObject({
    rowsDone: 40,
    rowsFailed: 0,
    verified: { left: 0, sampled: 40, mismatched: 0 },
  });
  expect(status.partitions.map(({ name }) => name)).toEqual(['low', 'high']);
  expect([...seen]).toEqual([JSON.stringify(given)]);
  const left = await bench.database.query(`SELECT count(*)::int FROM items WHERE state = 'other'`);
  expect(left).toEqual([{ count: 20 }]);
});
