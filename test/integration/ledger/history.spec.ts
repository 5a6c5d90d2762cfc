import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { getBackfillQueueToken } from 'nestjs-backfill';
import { createLedgerBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { NumberRange } from '../../support/apps/index.js';
import { monitorCommands } from '../../support/services/monitor-commands.js';

const bench = await createLedgerBench();

function walk(ms = 0) {
  return defineBackfill({
    name: 'walk',
    source: numbers(200),
    config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
    processRange: () => sleep(ms),
  });
}

it('keeps runs longer than Redis does, with who changed what from what to what', async () => {
  const { backfills, finished } = await bench.start({ handlers: [walk(20)] });
  const first = await backfills.start('walk', { startedBy: 'ada', reason: 'a reason with \0 in it' });
  await backfills.pause('walk', { by: 'bob', reason: 'lunch' });
  await backfills.configure('walk', { batchSize: 20, concurrency: 3 }, { by: 'bob', reason: 'faster' });
  await backfills.configure('walk', { batchSize: 5 }, { by: 'eve' });
  await backfills.resume('walk', { by: 'ada' });
  await finished('walk');
  const second = await backfills.start('walk', { startedBy: 'eve' });
  await finished('walk');
  await eventually(
    'the end to be kept',
    async () => (await kept()).map(({ status }) => status),
    (all) => all.every((status) => status === 'completed'),
  );
  // A run may be written as it ends, and that it ended with the next look.
  await eventually(
    'the change that ended it to be kept',
    () =>
      bench.database.query(
        `SELECT id FROM backfill_changes WHERE run_id = '${second.runId}' AND kind = 'completed'`,
      ),
    (changes) => changes.length === 1,
  );
  const live = await backfills.runs('walk');
  expect(live.map(({ id }) => id)).toEqual([second.runId, first.runId]);
  expect(live[1]?.changes?.map(({ kind, by, reason, from, to }) => ({ kind, by, reason, from, to }))).toEqual(
    [
      { kind: 'started', by: 'ada', reason: 'a reason with  in it', from: null, to: null },
      { kind: 'paused', by: 'bob', reason: 'lunch', from: null, to: null },
      {
        kind: 'configured',
        by: 'bob',
        reason: 'faster',
        from: { batchSize: 10, concurrency: 4 },
        to: { batchSize: 20, concurrency: 3 },
      },
      { kind: 'configured', by: 'eve', reason: null, from: { batchSize: 20 }, to: { batchSize: 5 } },
      { kind: 'resumed', by: 'ada', reason: null, from: null, to: null },
      { kind: 'completed', by: null, reason: null, from: null, to: null },
    ],
  );
  const { configAtStart, config } = live[1] ?? {};
  expect([configAtStart, config]).toMatchObject([
    { batchSize: 10, concurrency: 4 },
    { batchSize: 5, concurrency: 3 },
  ]);
  expect(live[0]).toMatchObject({ configAtStart: { batchSize: 5 }, config: { batchSize: 5 } });
  const history = await backfills.history('walk');

  await bench.loseRedis();
  const after = await eventually(
    'both runs',
    () => backfills.runs('walk'),
    (runs) => runs.length === 2,
  );
  expect(after).toEqual([live[0], { ...live[1], reason: 'a reason with  in it' }]);
  expect(await backfills.run('walk', first.runId)).toEqual(after[1]);
  expect((await backfills.history('walk')).map(({ id, type }) => [id, type])).toEqual(
    history.map(({ id, type }) => [id, type]),
  );
  expect(await backfills.runs('walk', 1)).toHaveLength(1);
});

it('pages through the failures of a run that Redis has forgotten', async () => {
  const failing = defineBackfill<NumberRange>({
    name: 'failing',
    source: numbers(60),
    config: { batchSize: 10, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    processRange: ({ low, high }) => {
      if (high - low > 0 || low % 12 === 0) {
        throw new Error(`${low} to ${high} is no good`);
      }
    },
  });
  const { backfills, finished } = await bench.start({ handlers: [failing] });
  const { runId } = await backfills.start('failing');
  await finished('failing');
  const live = await backfills.failures('failing', { runId });
  expect(live.items).toHaveLength(5);
  const { runId: newer } = await backfills.start('failing');
  await finished('failing');
  await eventually(
    'both runs and their failures to be kept',
    () => bench.database.query('SELECT 1 FROM backfill_failures WHERE run_id = ANY($1)', [[runId, newer]]),
    (rows) => rows.length === 10,
  );

  await bench.loseRedis();
  await eventually(
    'the newest run to be back',
    () => backfills.status('failing'),
    (status) => status.runId === newer && status.state === 'failed',
  );
  const first = await backfills.failures('failing', { runId, limit: 2 });
  const second = await backfills.failures('failing', { runId, limit: 2, after: String(first.next) });
  const third = await backfills.failures('failing', { runId, limit: 2, after: String(second.next) });
  expect([...first.items, ...second.items, ...third.items]).toEqual(live.items);
  expect(third.next).toBeNull();
  const groups = await backfills.failureGroups('failing', { runId });
  expect(groups).toMatchObject({
    total: 5,
    groups: [{ message: '… to … is no good', count: 5, rows: 5, example: live.items[0] }],
  });
  const group = String(groups.groups[0]?.id);
  expect(await backfills.failures('failing', { runId, group })).toEqual({ items: live.items, next: null });
  const found = await backfills.failures('failing', { runId, search: '24 TO 24' });
  expect(found.items.map(({ error }) => error.message)).toEqual(['24 to 24 is no good']);
  expect(await backfills.failures('failing', { runId: 'unknown' })).toEqual({ items: [], next: null });
});

it('two apps that share a database do not meet', async () => {
  const one = await bench.start({ handlers: [walk()], options: { keyPrefix: 'one' } });
  await one.backfills.start('walk');
  await one.finished('walk');
  await bench.loseRedis();
  const two = await bench.start({ handlers: [walk()], options: { keyPrefix: 'two' } });
  expect(await two.backfills.runs('walk')).toEqual([]);
  expect(await two.backfills.status('walk')).toMatchObject({ state: 'idle', runId: null });
});

async function kept(): Promise<{ status: string }[]> {
  return bench.database.query<{ status: string }>('SELECT status FROM backfill_runs');
}

it('no command is about a backfill that has never run', async () => {
  const idle = Array.from({ length: 20 }, (_, i) =>
    defineBackfill({ name: `idle-${i}`, source: numbers(1), processRange: () => undefined }),
  );
  const commands = await monitorCommands(bench.server, async () => {
    const { app, backfills, finished } = await bench.start({ handlers: [...idle, walk()] });
    const { runId } = await backfills.start('walk');
    await finished('walk');
    await eventually(
      'the run to be kept',
      () =>
        bench.database.query('SELECT 1 FROM backfill_runs WHERE id = $1 AND finished_at IS NOT NULL', [
          runId,
        ]),
      (runs) => runs.length === 1,
    );
    const queue = app.get<Queue>(getBackfillQueueToken('walk'), { strict: false });
    expect([queue instanceof Queue, queue.name, await queue.getJobCountByTypes('active')]).toEqual([
      true,
      'walk',
      0,
    ]);
  });
  const keys = commands.filter(({ isNested }) => !isNested).map(({ argument }) => argument ?? '');
  expect(keys.some((key) => key.endsWith(':walk:meta'))).toBe(true);
  expect(keys.filter((key) => key.includes('idle-'))).toEqual([]);
});
