import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'sharded';
const config = { batchSize: 20, attempts: 1, backoffMs: 0, perSecondOnPeak: null, perSecondOffPeak: null };

describe('the status of a run over several partitions', () => {
  it('has cursor, rows and percentage of each, also after failures and their retry', async () => {
    let isOpen = false;
    const { backfills, finished } = await bench.start({
      handlers: [
        defineBackfill({
          name: NAME,
          source: numbers(60, { partitions: ['eu', 'us'] }),
          config,
          processRow: ({ id }: { readonly id: number }, { signal }: { readonly signal: AbortSignal }) => {
            signal.throwIfAborted();
            if (id === 7) throw new Error('no such account');
          },
        }),
        defineBackfill<NumberRange>({
          name: 'halting',
          source: numbers(60, { partitions: ['first', 'second'] }),
          config: { ...config, concurrency: 20 },
          processRange: async ({ low, high, partition }) => {
            await eventually(
              'the gate to open',
              () => Promise.resolve(isOpen || partition === 'first'),
              (open) => open,
            );
            return high - low + 1;
          },
        }),
      ],
    });
    const whole = { cursor: 0, rows: 60, rowsTotal: 60, percent: 100, rowsPerSecond: null };
    const both = [
      { name: 'eu', ...whole },
      { name: 'us', ...whole },
    ];
    await backfills.start(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsFailed: 2, partitions: both });
    expect(await backfills.retryFailures(NAME)).toMatchObject({ retried: 2 });
    expect(await finished(NAME)).toMatchObject({ state: 'failed', rowsFailed: 2, partitions: both });

    await backfills.start('halting');
    const { partitions } = await eventually(
      'the first partition to be done',
      () => backfills.status('halting'),
      ({ rowsDone }) => rowsDone === 60,
    );
    expect(partitions).toMatchObject([
      { name: 'first', rows: 60, percent: 100 },
      { name: 'second', rows: 0, percent: 0 },
    ]);
    isOpen = true;
    expect((await finished('halting')).partitions).toMatchObject([{ percent: 100 }, { percent: 100 }]);
  });
});
