import { BackfillConflictError, BackfillNotFoundError, keyset, NonRetryableError } from 'nestjs-backfill';
import { ensureCompleted } from 'nestjs-backfill/migrations';
import { createAppBench, defineBackfill, Item } from '../../support/apps/index.js';
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
async function refusal({ app }: BackfillApp): Promise<string | null> {
  try {
    await ensureCompleted(NAME, { app });
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

    expect(await refusal(app)).toMatch(/it is failed .*; 0 ranges and 1 rows failed; 1 rows still match/);
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
