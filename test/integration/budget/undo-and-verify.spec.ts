import { setTimeout as sleep } from 'node:timers/promises';
import { BACKFILL_JOURNAL_ENTITIES, createJournalSchema, keyset } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers } from '../../support/apps/index.js';
import { busiestSecond } from '../../support/budget/claim-figures.js';
import { ClaimLog, recordClaims } from '../../support/budget/record-claims.js';

const CONFIG = { batchSize: 4, perSecondOnPeak: null, perSecondOffPeak: null };
const PER_SECOND = 40;

const bench = await createAppBench();
const statements: string[] = [];
await createJournalSchema({ addSql: (sql) => statements.push(sql) });
await bench.database.query(statements.join('\n'));
recordClaims();

it('ranges of an undo and of a verification count in the budget, beside those of other runs', async () => {
  await bench.fillItems('SELECT generate_series(11, 30)');
  let isInserted = false;
  const touch = defineBackfill<never, Item>({
    name: 'touch',
    source: keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }),
    verify: {},
    undo: {},
    config: CONFIG,
    processBatch: async (items) => {
      // The walk has passed them: the sweep of the verification finds them.
      const isPast = !isInserted && items.some(({ id }) => id > 20);
      isInserted ||= isPast;
      await (isPast ? bench.database.query('INSERT INTO items (id) SELECT generate_series(1, 8)') : null);
      items.forEach((item) => (item.state = 'done'));
    },
  });
  const other = defineBackfill({
    name: 'other',
    source: numbers(100_000),
    config: { ...CONFIG, maxOutstanding: 100 },
    processRange: async (_range, { signal }) => sleep(5, undefined, { signal }),
  });
  const options = { budget: { concurrency: 1, rangesPerSecond: PER_SECOND } };
  const { backfills, finished } = await bench.start({
    entities: [Item, ...BACKFILL_JOURNAL_ENTITIES] as never,
    handlers: [touch, other],
    options,
  });
  const others = await backfills.start('other');
  const { runId } = await backfills.start('touch');
  const walked = await finished('touch');
  expect(walked).toMatchObject({ state: 'completed', rowsDone: 28, verified: { left: 0 } });
  const undo = await backfills.undo('touch', { runId });
  const undone = await finished('touch');
  expect(undone).toMatchObject({ state: 'completed', rowsDone: 28, conflicts: 0 });

  const claims = await new ClaimLog(bench.redis, bench.keyPrefix()).read();
  const starts = claims.flatMap((claim) => claim.starts);
  const startsOf = (run: string) => starts.filter((start) => start.run === run).length;
  // Five ranges of the walk, and those of the sweep.
  expect(walked.done).toBeGreaterThan(5);
  expect([startsOf(runId), startsOf(undo.runId)]).toEqual([walked.done, undone.done]);
  expect(startsOf(others.runId)).toBeGreaterThan(0);
  expect(Math.max(...claims.map(({ total }) => total))).toBe(1);
  const { taken, allowed } = busiestSecond(starts, PER_SECOND, () => 1);
  expect(taken).toBeLessThanOrEqual(allowed);
});
