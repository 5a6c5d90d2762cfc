import type { BackfillSource, BackfillService } from 'nestjs-backfill';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
  type NumberRow,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const config = {
  batchSize: 10,
  attempts: 1,
  backoffMs: 1,
  perSecondOnPeak: null,
  perSecondOffPeak: null,
  maxInitialFailures: null,
};
type NumberSource = BackfillSource<NumberRange, NumberRow>;

type Answers = Partial<Record<keyof NumberSource, unknown>>;

/** A source that answers well, but for one method. */
function answering(answers: Answers): NumberSource {
  return { ...numbers(30), ...answers } as NumberSource;
}

const handled = (source: NumberSource, shape: 'range' | 'batch' | 'row' = 'range') =>
  defineBackfill<NumberRange, NumberRow>({
    name: 'own',
    source,
    config,
    ...(shape === 'range' ? { processRange: () => {} } : {}),
    ...(shape === 'batch' ? { processBatch: () => {} } : {}),
    ...(shape === 'row' ? { processRow: () => {} } : {}),
  });
const other = defineBackfill<NumberRange>({
  name: 'other',
  source: numbers(30),
  config,
  processRange: () => {},
});

/** Every backfill is listed, and the other one still runs. */
async function expectOthersWork(backfills: BackfillService, finished: (name: string) => Promise<object>) {
  expect((await backfills.list()).map(({ name }) => name)).toEqual(['other', 'own']);
  await backfills.start('other');
  expect(await finished('other')).toMatchObject({ state: 'completed', rowsDone: 30 });
  expect((await backfills.list()).find(({ name }) => name === 'other')).toMatchObject({ rowsDone: 30 });
}

const partitions = [{ name: '', bounds: { low: 1, high: 30 } }];
const BAD_ROWS = [NaN, undefined, Infinity, -1, null, '30', 10n, 2 ** 60];

describe('`open` of a source of the own', () => {
  const total = { rows: 30, exact: true };
  it.each<[string, string, unknown]>([
    ...BAD_ROWS.map((rows): [string, string, unknown] => [
      String(rows),
      'open().total.rows',
      { partitions, total: { rows, exact: true } },
    ]),
    ['no answer', 'open()', undefined],
    ['no total', 'open().total', { partitions }],
    ['no partitions', 'open().partitions', { total }],
    ['a partition without bounds', 'open().partitions.0.bounds', { partitions: [{ name: '' }], total }],
    [
      'bounds of a date',
      'open().partitions.0.bounds.at',
      { partitions: [{ name: '', bounds: { at: new Date() } }], total },
    ],
    [
      'bounds of a bigint',
      'open().partitions.0.bounds.1',
      { partitions: [{ name: '', bounds: [1, 2n] }], total },
    ],
    ['a partition twice', 'open().partitions', { partitions: [...partitions, ...partitions], total }],
  ])('that answers %s refuses the start, and names %s', async (_, field, answer) => {
    const { backfills, finished } = await bench.start({
      handlers: [handled(answering({ open: async () => answer })), other],
    });
    const refused = await backfills.start('own').then(
      () => null,
      (error: Error) => error,
    );
    expect(refused?.message).toContain(`(${field}): expected `);
    await expect(backfills.preview('own')).rejects.toThrow(`(${field}): expected `);
    expect(await backfills.status('own')).toMatchObject({ state: 'idle' });
    await expectOthersWork(backfills, finished);
  });
});

describe('`plan` of a source of the own', () => {
  const range = { data: { low: 1, high: 10 }, rows: 10 };
  it.each<[string, string, unknown]>([
    ...BAD_ROWS.map((rows): [string, string, unknown] => [
      String(rows),
      'plan().ranges.0.rows',
      { ranges: [{ ...range, rows }], cursor: 1, exhausted: true },
    ]),
    ['no answer', 'plan()', undefined],
    ['no ranges', 'plan().ranges', { cursor: 1, exhausted: true }],
    ['no cursor', 'plan().cursor', { ranges: [range], exhausted: true }],
    ['a cursor of a bigint', 'plan().cursor', { ranges: [range], cursor: 1n, exhausted: true }],
    ['not whether it is exhausted', 'plan().exhausted', { ranges: [range], cursor: 1 }],
    ['a range without data', 'plan().ranges.0.data', { ranges: [{ rows: 1 }], cursor: 1, exhausted: true }],
    [
      'a range with NaN',
      'plan().ranges.0.data.low',
      { ranges: [{ data: { low: NaN }, rows: 1 }], cursor: 1, exhausted: true },
    ],
    ['nothing, again and again', 'plan().cursor', { ranges: [], cursor: null, exhausted: false }],
  ])('that answers %s pauses the run, and names %s', async (_, field, answer) => {
    const { backfills, finished } = await bench.start({
      handlers: [handled(answering({ plan: async () => answer })), other],
    });
    await backfills.start('own');
    const status = await finished('own');
    expect(status.state).toBe('paused');
    expect(status.stateReason).toContain(`(${field}): expected `);
    await expect(backfills.preview('own')).rejects.toThrow(`(${field}): expected `);
    await expectOthersWork(backfills, finished);
  });
});

describe('a source of the own that answers malformed rows', () => {
  it.each<[string, 'batch' | 'row', Answers]>([
    ['load', 'batch', { load: async () => undefined, split: undefined }],
    ['load', 'row', { load: async () => 7, split: undefined }],
    ['keyOf', 'row', { keyOf: () => undefined, split: undefined }],
    ['keyOf', 'row', { keyOf: () => 1n }],
    ['keyOf', 'row', { keyOf: () => NaN }],
  ])('from %s fails its ranges: %s handler', async (method, shape, answers) => {
    const { backfills, finished } = await bench.start({
      handlers: [handled(answering(answers), shape), other],
    });
    await backfills.start('own');
    expect(await finished('own')).toMatchObject({
      state: 'failed',
      outstanding: 0,
      rowsDone: 0,
      rowsFailed: 30,
    });
    const [failure] = (await backfills.failures('own')).items;
    expect(failure?.error.message).toContain(`(${method}()): expected `);
    await expectOthersWork(backfills, finished);
  });

  it.each([[undefined], [[{ data: 1, rows: NaN }]], [[{ rows: 1 }]]])(
    'from split keeps the failure of the handler: %j',
    async (answer) => {
      const failing = defineBackfill<NumberRange>({
        name: 'own',
        source: answering({ split: async () => answer }),
        config,
        processRange: () => {
          throw new Error('no range');
        },
      });
      const { backfills, finished } = await bench.start({ handlers: [failing, other] });
      await backfills.start('own');
      expect(await finished('own')).toMatchObject({ state: 'failed', failed: 3, rowsFailed: 30 });
      const [failure] = (await backfills.failures('own')).items;
      expect(failure?.error.message).toMatch(/^no range .*split\(\)/);
    },
  );

  it('from describe, or an error there, hides no failure', async () => {
    const failing = defineBackfill<NumberRange>({
      name: 'own',
      source: answering({
        split: undefined,
        describe: () => {
          throw new Error('no words');
        },
      }),
      config,
      processRange: () => {
        throw new Error('no range');
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [failing] });
    await backfills.start('own');
    expect(await finished('own')).toMatchObject({ state: 'failed', failed: 3 });
    const { items } = await backfills.failures('own');
    expect(items.map(({ key }) => key)).toContainEqual({ low: 21, high: 30 });
  });
});

describe('a handler of ranges', () => {
  it.each([NaN, Infinity, -1])('that returns %d rows fails its range', async (rows) => {
    const counting = defineBackfill<NumberRange>({
      name: 'own',
      source: answering({ split: undefined }),
      config,
      processRange: () => rows,
    });
    const { backfills, finished } = await bench.start({ handlers: [counting, other] });
    await backfills.start('own');
    expect(await finished('own')).toMatchObject({ state: 'failed', rowsDone: 0, rowsFailed: 30 });
    const [failure] = (await backfills.failures('own')).items;
    expect(failure?.error.message).toContain(`returned ${rows}: expected a number of rows`);
    await expectOthersWork(backfills, finished);
  });
});

describe('a run whose state in Redis is corrupt', () => {
  it.each([
    ['rowsTotal', 'NaN'],
    ['rowsDone', 'Infinity'],
    ['status', 'walking'],
    ['partitions', '{}'],
    ['partitions', '[1'],
    ['cursor:', '{'],
    ['finishedAt', 'soon'],
  ])('hides no other backfill: %s is %s', async (field, value) => {
    const { backfills, finished } = await bench.start({ handlers: [handled(numbers(30)), other] });
    const { runId } = await backfills.start('own', { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    const [key = ''] = await bench.redis.client.keys(`*:run:${runId}`);
    await bench.redis.client.hset(key, field, value);
    const listed = await eventually(
      'the corrupt run to be paused',
      async () => (await backfills.list()).find(({ name }) => name === 'own'),
      (status) => status?.state === 'paused',
    );
    expect(listed?.warnings.join()).toContain(`"${field}"`);
    expect(listed?.pausedBy).toBe('nestjs-backfill');
    await expect(backfills.status('own')).rejects.toThrow(`"${field}"`);
    await expectOthersWork(backfills, finished);
    await backfills.cancel('own');
    await backfills.start('own', { config: { perSecondOnPeak: null, perSecondOffPeak: null } });
    expect(await finished('own')).toMatchObject({ state: 'completed', rowsDone: 30 });
  });
});
