import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import { eventually, startBackfillApp, type BackfillApp } from '../../support/apps/index.js';
import { RemoteProcess } from '../../support/processes/index.js';
import { BACKFILL, environmentBackfill, environmentModules, redisConnection } from './environment-app.js';
import type { EnvironmentPlan } from './environment-plan.js';
import { countRows, type Query, type RowCounts } from './environment-rows.js';

export const BATCH = 100;
/** Ranges of a handled run: those that are handled twice were in flight at a pause, at the kill and at the event. */
const REPEATED_RANGES = 20;
const FAST = { perSecondOnPeak: 40, perSecondOffPeak: 40 };
/** So that the run is not over before the event is. */
const SLOW = { perSecondOnPeak: 2, perSecondOffPeak: 2 };
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null };
/** Nothing is handled over so long when a pause is over all processes. */
const PAUSED_MS = 400;

/** How often progress is looked at. */
const PROGRESS_MS = 100;

export interface ScenarioSettings extends EnvironmentPlan {
  /** How many rows the table has. */
  readonly rows: number;
  /** Counts rows, whatever the app's own user may do. */
  readonly query: Query;
  /** What happens to the environment in mid-run, such as a failover. Work has to go on after it. */
  readonly during?: (running: RunningScenario) => Promise<unknown>;
}

export interface RunningScenario {
  /** The app without workers, which starts, pauses and resumes the run. */
  readonly operator: BackfillApp;
  readonly workers: readonly RemoteProcess[];
}

export interface ScenarioResult extends RowCounts {
  readonly status: BackfillStatus;
}

/**
 * A run over tens of thousands of rows in two worker processes: paused and resumed, one of the processes killed with
 * SIGKILL, the event of the environment, and in the end each row counted in SQL. Throws where a row is missed or wrong.
 */
export async function runScenario(settings: ScenarioSettings): Promise<ScenarioResult> {
  const { connection, close } = redisConnection(settings.redis);
  const workers: RemoteProcess[] = [];
  let operator: BackfillApp | undefined;
  try {
    const [started] = await Promise.all([
      startOperator(settings, connection),
      ...[0, 1].map(async () => {
        const worker = startWorker(settings);
        workers.push(worker);
        await worker.ready;
      }),
    ]);
    operator = started;
    const status = await play(settings, { operator, workers });
    const counts = await countRows(settings.query);
    expect(counts).toMatchObject({ rows: settings.rows, missed: 0, wrong: 0 });
    expect(counts.repeated).toBeLessThanOrEqual(REPEATED_RANGES * BATCH);
    await Promise.all(workers.filter(({ gone }) => !gone).map((worker) => worker.stop()));
    return { status, ...counts };
  } catch (error) {
    const logs = [...(operator?.logs.lines ?? []), ...workers.flatMap((worker) => worker.logs)];
    throw new Error(`${String(error)}\nThe last lines of the logs:\n${logs.slice(-30).join('\n')}`, {
      cause: error,
    });
  } finally {
    await Promise.all(workers.filter(({ gone }) => !gone).map((worker) => worker.kill()));
    await operator?.close();
    close();
  }
}

function startOperator(settings: ScenarioSettings, connection: unknown): Promise<BackfillApp> {
  const { database, redis, options } = settings;
  return startBackfillApp({
    database,
    redis: redis as never,
    only: environmentModules({ ...settings, options: { ...options, workers: false } }, connection),
    handlers: [environmentBackfill(settings)],
  });
}

function startWorker({ database, redis, bull, options, handler, config }: ScenarioSettings): RemoteProcess {
  const plan: EnvironmentPlan = { database, redis, options, handler, config, ...(bull ? { bull } : {}) };
  return new RemoteProcess({
    module: new URL(process.env['ENVIRONMENT_WORKER'] ?? ''),
    execArgv: ['--no-warnings'],
    env: { ENVIRONMENT_PLAN: JSON.stringify(plan) },
  });
}

async function play(settings: ScenarioSettings, running: RunningScenario): Promise<BackfillStatus> {
  const { operator, workers } = running;
  const { backfills } = operator;
  const handled = async () => (await countRows(settings.query)).handled;
  const doneBeyond = (ranges: number) =>
    whileProgressing(`more than ${ranges} ranges to be done`, operator, ({ done }) => done > ranges);
  await backfills.start(BACKFILL, { config: { batchSize: BATCH, ...FAST } });
  await eventually(
    'both processes to have a worker',
    () => backfills.status(BACKFILL),
    ({ workers: known }) => known === workers.length,
  );

  await doneBeyond(20);
  await backfills.pause(BACKFILL);
  const atPause = await handled();
  await quiet(handled);
  // Nothing is begun any more. What was in flight may have been finished, late on a busy machine.
  const inFlight = Number(settings.config.concurrency) * workers.length * BATCH;
  expect(await handled()).toBeLessThanOrEqual(atPause + inFlight);
  const { state, done } = await backfills.status(BACKFILL);
  expect(state).toBe('paused');
  await backfills.resume(BACKFILL);

  await doneBeyond(done + 20);
  await workers[0]?.kill();

  if (settings.during) {
    await backfills.configure(BACKFILL, SLOW);
    await settings.during(running);
    const after = await eventually(
      'the status after the event',
      () => backfills.status(BACKFILL).catch(String),
      (answer) => typeof answer === 'object' && answer.state !== 'paused',
    );
    expect(after).toMatchObject({ state: 'running' });
    await doneBeyond((after as BackfillStatus).done + 2);
  }
  await backfills.configure(BACKFILL, UNPACED);
  const status = await whileProgressing('the run to be over', operator, ({ state }) => state !== 'running');
  const ranges = Math.ceil(settings.rows / BATCH);
  expect(status).toMatchObject({
    state: 'completed',
    planned: ranges,
    done: ranges,
    outstanding: 0,
    failed: 0,
    rowsDone: settings.rows,
    rowsFailed: 0,
  });
  return status;
}

/** Waits for as long as rows are done: a busy machine takes long for tens of thousands of them. */
async function whileProgressing(
  what: string,
  { backfills }: BackfillApp,
  accept: (status: BackfillStatus) => boolean,
): Promise<BackfillStatus> {
  let rowsDone = -1;
  for (;;) {
    const status = await eventually(
      `${what}, or a row to be done`,
      () => backfills.status(BACKFILL),
      (found) => accept(found) || found.rowsDone > rowsDone,
    );
    if (accept(status)) {
      return status;
    }
    rowsDone = status.rowsDone;
    await sleep(PROGRESS_MS);
  }
}

/** Waits for what was in flight when the run was paused. */
async function quiet(handled: () => Promise<number>): Promise<void> {
  const changes = async () => {
    const before = await handled();
    await sleep(PAUSED_MS);
    return (await handled()) - before;
  };
  await eventually('no row to be handled any more', changes, (count) => count === 0);
}
