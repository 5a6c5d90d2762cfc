import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAppBench, eventually } from '../../support/apps/index.js';
import { RemoteProcess } from '../../support/processes/index.js';
import { BATCH, CSV, handlersOf, ROWS, SOURCES } from './handlers.js';
import type { ProcessSettings } from './process-app.js';

const bench = await createAppBench();
await bench.database.query('CREATE TABLE handled (backfill text, id int, pid int)');
const folder = await mkdtemp(join(tmpdir(), 'source-processes-'));
const path = join(folder, 'rows.csv');
await writeFile(path, CSV);
afterAll(() => rm(folder, { recursive: true }));

const running: RemoteProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.kill()));
  await bench.database.query('TRUNCATE handled');
});

/** Starts an app with workers in a process of its own. */
async function launch(holdAfter?: number): Promise<RemoteProcess> {
  const settings: ProcessSettings = {
    database: { url: bench.database.url },
    redis: { connection: bench.redis.connection },
    options: { keyPrefix: bench.keyPrefix(), lockDuration: 1_000 },
    path,
    ...(holdAfter === undefined ? {} : { holdAfter }),
  };
  const child = new RemoteProcess({
    module: new URL('./process-app.ts', import.meta.url),
    execArgv: ['--no-warnings', '--import', new URL('../../support/swc/register.js', import.meta.url).href],
    env: { SOURCES_SETTINGS: JSON.stringify(settings) },
  });
  running.push(child);
  await child.ready;
  return child;
}

/** The app of this process, which has no workers. */
const operator = () => bench.start({ handlers: handlersOf({ path }), options: { workers: false } });

/** How often each row was handled, in the order of their ids. */
async function timesHandled(backfill: string): Promise<number[]> {
  const rows = await bench.database.query<{ times: number }>(
    `SELECT count(handled.id)::int AS times FROM generate_series(1, $1::int) AS wanted(id)
     LEFT JOIN handled ON handled.id = wanted.id AND handled.backfill = $2
     GROUP BY wanted.id ORDER BY wanted.id`,
    [ROWS, backfill],
  );
  return rows.map(({ times }) => times);
}

const sum = (times: readonly number[]) => times.reduce((total, count) => total + count, 0);
/** The numbers of times of rows in their order: so many of them each. */
const times = (...counts: readonly [rows: number, each: number][]) =>
  counts.flatMap(([rows, each]) => Array.from({ length: rows }, () => each));

describe.each(SOURCES)('a process that is killed while it works on %s', (source) => {
  it('leaves the batches in flight to another, which handles them again and no others', async () => {
    const name = `${source}-batches`;
    const { backfills, finished } = await operator();
    const killed = await launch(80);
    await backfills.start(name);
    await eventually(
      'four ranges to be held',
      async () => ({ written: sum(await timesHandled(name)), ...(await backfills.status(name)) }),
      ({ written, rowsDone }) => written === 80 + 4 * BATCH && rowsDone === 80,
    );
    await killed.kill();
    await launch();
    expect(await finished(name)).toMatchObject({
      state: 'completed',
      done: ROWS / BATCH,
      rowsDone: ROWS,
      failed: 0,
      rowsMissing: 0,
      percent: 100,
    });
    expect(await timesHandled(name)).toEqual(times([80, 1], [4 * BATCH, 2], [ROWS - 80 - 4 * BATCH, 1]));
  });

  it('leaves the rows that are not acknowledged to another, by their keys', async () => {
    const name = `${source}-rows`;
    const { backfills, finished } = await operator();
    const killed = await launch(40);
    await backfills.start(name);
    let before = 0;
    await eventually(
      'rows to be acknowledged within a range, and no more of them',
      async () => ({ written: sum(await timesHandled(name)), ...(await backfills.status(name)) }),
      ({ written, rowsDone }) => {
        const same = rowsDone === before;
        before = rowsDone;
        return written === 40 && rowsDone > 0 && same;
      },
    );
    await killed.kill();
    const { done, rowsDone } = await backfills.status(name);
    expect(done).toBe(0);
    await launch();
    expect(await finished(name)).toMatchObject({
      state: 'completed',
      done: ROWS / 60,
      rowsDone: ROWS,
      failed: 0,
      rowsMissing: 0,
    });
    expect(await timesHandled(name)).toEqual(times([rowsDone, 1], [40 - rowsDone, 2], [ROWS - 40, 1]));
  });
});
