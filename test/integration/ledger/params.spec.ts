import { Backfill } from 'nestjs-backfill';
import type { BackfillContext, RangeHandler } from 'nestjs-backfill';
import { z } from 'zod';
import { createLedgerBench, eventually, numbers, type NumberRange } from '../../support/apps/index.js';

const bench = await createLedgerBench();
const SLOW = { perSecondOnPeak: 10, perSecondOffPeak: 10, batchSize: 1 };
const FAST = { perSecondOnPeak: null, perSecondOffPeak: null };

it('a run that is restored keeps its parameters, and the ledger shows no secret of them', async () => {
  const seen: unknown[] = [];
  @Backfill({
    name: 'walk',
    params: z.object({ count: z.coerce.bigint(), token: z.string().meta({ secret: true }) }),
    source: ({ params }) => numbers(Number(params.count)),
    config: SLOW,
  })
  class Walk implements RangeHandler<NumberRange> {
    processRange(_: NumberRange, { params }: BackfillContext) {
      seen.push(params);
    }
  }
  const app = await bench.start({ handlers: [Walk] });
  const params = { count: 40n, token: 'geheim\0' };
  await app.backfills.start('walk', { params });
  await eventually(
    'the run to be under way',
    () => seen.length,
    (count) => count > 2,
  );
  await bench.loseRedis();
  await eventually(
    'the run to be back',
    () => app.backfills.status('walk'),
    ({ state }) => state === 'running',
  );
  await app.backfills.configure('walk', FAST);
  expect(await app.finished('walk')).toMatchObject({ state: 'completed', rowsDone: 40 });
  expect(new Set(seen)).toEqual(new Set([params]));

  const shown = { count: '40', token: '***' };
  expect(await app.newest('walk')).toMatchObject({ status: 'completed', params: shown });
  const changes = await bench.database.query(`SELECT data FROM backfill_changes WHERE kind = 'started'`);
  expect(changes).toMatchObject([{ data: { params: shown } }]);
});
