import { setTimeout as sleep } from 'node:timers/promises';
import {
  createAppBench,
  createLedgerBench,
  defineBackfill,
  eventually,
  numbers,
  type NumberRange,
} from '../support/apps/index.js';
import { startRedis, type RedisServer } from '../support/services/redis.js';

const bench = await createAppBench();
const lossy = await createLedgerBench();
let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
});
afterAll(() => redis.stop());

const RANGES = 200;

/** A backfill that lists the ranges that it starts. */
function listing(perSecond = 50) {
  const started: number[] = [];
  const handler = defineBackfill<NumberRange>({
    name: 'work',
    source: numbers(RANGES),
    config: { batchSize: 1, perSecondOnPeak: perSecond, perSecondOffPeak: perSecond },
    processRange: ({ low }) => void started.push(low),
  });
  return { handler, started };
}

const start = (handler: ReturnType<typeof listing>['handler']) =>
  bench.start({
    redis: { connection: { host: redis.host, port: redis.port, db: 0 } },
    handlers: [handler],
  });

const distinct = (...lists: (readonly number[])[]) => new Set(lists.flat()).size;

it('is in force after Redis was away, also for a process that starts then', async () => {
  const work = listing();
  const { backfills, finished } = await start(work.handler);
  await backfills.start('work');
  await eventually(
    'some work',
    () => work.started.length,
    (count) => count > 5,
  );
  const { hold } = await backfills.hold({ by: 'ada', reason: 'incident 42' });
  await redis.kill();
  const before = work.started.length;
  await sleep(1_000);
  await redis.restart();
  const late = listing();
  const beside = await start(late.handler);
  for (const each of [backfills, beside.backfills]) {
    const status = await eventually(
      'an answer',
      () => each.status('work').catch(() => null),
      (answer) => answer !== null,
    );
    expect(status).toMatchObject({
      state: 'running',
      held: { scope: 'all', by: 'ada', reason: 'incident 42', since: hold?.since },
    });
  }
  await sleep(2_500);
  expect([work.started.length, late.started.length]).toEqual([before, 0]);
  await backfills.release({ by: 'ada' });
  expect(await finished('work')).toMatchObject({ state: 'completed', done: RANGES });
  expect(distinct(work.started, late.started)).toBe(RANGES);
});

it('that reached its end while Redis was away has ended, once', async () => {
  const work = listing();
  const { backfills, finished } = await start(work.handler);
  await backfills.start('work');
  const until = new Date(Date.now() + 2_000);
  await backfills.hold({ by: 'ada', reason: 'short', until });
  await redis.kill();
  const before = work.started.length;
  await sleep(2_500);
  expect(work.started).toHaveLength(before);
  await redis.restart();
  expect(await finished('work')).toMatchObject({ state: 'completed', done: RANGES, held: null });
  expect(distinct(work.started)).toBe(RANGES);
  const history = await backfills.history('*');
  expect(history.map(({ type, data }) => [type, data['ended'] ?? null])).toEqual([
    ['releasedAll', until.getTime()],
    ['heldAll', null],
  ]);
});

it('is lost with the data of Redis, and holds a run that the ledger brings back once it is repeated', async () => {
  const work = listing(10);
  const { backfills, finished } = await lossy.start({ handlers: [work.handler] });
  const { runId } = await backfills.start('work');
  await eventually(
    'a checkpoint',
    () =>
      lossy.database.query<{ rows: string }>('SELECT rows_done AS rows FROM backfill_runs WHERE id = $1', [
        runId,
      ]),
    ([row]) => Number(row?.rows) > 0,
  );
  await backfills.hold({ reason: 'incident 42' });
  await lossy.loseRedis();
  expect(await backfills.globalHold()).toBeNull();
  await backfills.hold({ reason: 'incident 42, again' });
  const back = await eventually(
    'the run to be back',
    () => backfills.status('work'),
    ({ state, held }) => state === 'running' && held?.scope === 'all',
  );
  expect(back).toMatchObject({ runId, held: { reason: 'incident 42, again' } });
  const before = work.started.length;
  await sleep(2_500);
  expect(work.started).toHaveLength(before);
  await backfills.configure('work', { perSecondOnPeak: null, perSecondOffPeak: null });
  await backfills.release();
  expect(await finished('work')).toMatchObject({ runId, state: 'completed', rowsDone: RANGES });
  expect(distinct(work.started)).toBe(RANGES);
});
