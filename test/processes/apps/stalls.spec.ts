import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { startAppProcess, type AppProcess } from './app-process.js';

const bench = await createAppBench();
await bench.database.query('CREATE TABLE done (id int, pid int)');
let child: AppProcess | undefined;

afterEach(async () => {
  child?.signal('SIGKILL');
  await child?.gone;
});

it('a process whose event loop is blocked is what its run waits for; once it is gone, nothing is', async () => {
  const { database, redis } = bench;
  const options = { keyPrefix: bench.keyPrefix(), stalledAfter: 1_000 };
  const work = defineBackfill({ name: 'work', source: numbers(1_000), processRange: () => undefined });
  const { backfills } = await bench.start({ handlers: [work], options: { ...options, workers: false } });
  child = await startAppProcess({ database, redis, options, ranges: 1_000, rangeMs: 1, blockedBy: 970 });
  await backfills.start('work', { config: { batchSize: 1, perSecondOnPeak: 20, perSecondOffPeak: 20 } });

  const { stalled } = await eventually(
    'the run to be stalled by the process',
    () => backfills.status('work'),
    (status) => status.stalled?.waitingFor.kind === 'event-loop',
  );
  expect(stalled?.waitingFor).toMatchObject({
    details: { process: expect.stringContaining(`:${child.pid}:`) as string },
    reason: expect.stringContaining('its event loop is blocked') as string,
  });
  expect(child.began()).toContain(970);

  child.signal('SIGKILL');
  const gone = await eventually(
    'the stall to be over without workers',
    () => backfills.status('work'),
    (status) => status.stalled === null && status.workers === 0,
  );
  expect(gone.warnings).toEqual([expect.stringContaining('No process has workers')]);
  const history = await backfills.history('work', { types: ['stalled', 'stallEnded'] });
  expect(history.map(({ type }) => type)).toEqual(['stallEnded', 'stalled']);
  await backfills.cancel('work');
});
