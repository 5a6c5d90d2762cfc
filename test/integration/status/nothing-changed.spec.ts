import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const config = { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null };
const NOTHING = /ranges are done and not one row was/;

async function warningsAfter(ranges: number, handler: object): Promise<string> {
  const name = 'count';
  const { backfills, finished } = await bench.start({
    handlers: [defineBackfill({ name, source: numbers(ranges), config, ...handler })],
  });
  await backfills.start(name);
  const { state, warnings } = await finished(name);
  expect(state).toBe('completed');
  return warnings.join('\n');
}

describe('a run that changes nothing', () => {
  it('is a warning where a range handler reports 0 rows for 200 ranges', async () => {
    expect(await warningsAfter(200, { processRange: () => 0 })).toMatch(
      /^200 ranges are done and not one row was reported by the handler\. /,
    );
  });

  it('is a warning where no row was loaded for 200 ranges', async () => {
    const source = { ...numbers(200), load: async () => [], countPlanned: async () => 0 };
    expect(await warningsAfter(200, { source, processBatch: () => undefined })).toMatch(
      /^200 ranges are done and not one row was loaded for the handler\. /,
    );
  });

  it.each<[what: string, ranges: number, handler: object]>([
    ['few ranges', 199, { processRange: () => 0 }],
    ['a range handler that reports nothing', 200, { processRange: () => undefined }],
    [
      'a range handler that reports a row',
      200,
      { processRange: ({ low }: { low: number }) => Number(low === 7) },
    ],
    ['a batch handler that is given rows', 200, { processBatch: () => undefined }],
    ['a row handler that is given rows', 200, { processRow: () => undefined }],
  ])('is no warning after %s', async (_, ranges, handler) => {
    expect(await warningsAfter(ranges, handler)).not.toMatch(NOTHING);
  });
});
