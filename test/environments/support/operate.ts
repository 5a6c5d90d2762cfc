import type { BackfillService } from 'nestjs-backfill';
import { eventually } from '../../support/apps/index.js';
import { BACKFILL } from './environment-app.js';

/** What an operator does, beside starting, pausing and resuming a run. */
export async function operate(backfills: BackfillService): Promise<void> {
  await backfills.list();
  await backfills.overview();
  await backfills.preview(BACKFILL);
  await backfills.rehearse(BACKFILL, { rows: 2 });
  await backfills.failures(BACKFILL);
  await backfills.failureGroups(BACKFILL);
  const [run] = await backfills.runs(BACKFILL);
  await backfills.run(BACKFILL, run?.id ?? '');
  await backfills.samples(BACKFILL);
  await backfills.history(BACKFILL);
  await backfills.config(BACKFILL);
  await backfills.configureBudget({ concurrency: 6 });
  await backfills.budget();
  await backfills.hold({ by: 'test', reason: 'a look' });
  await eventually(
    'the run to be held',
    () => backfills.status(BACKFILL),
    ({ held }) => held !== null,
  );
  await backfills.release({ by: 'test' });
}
