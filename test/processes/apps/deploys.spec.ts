import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';
import { TEST_MS } from '../../support/deadlines.js';
import { startAppProcess, type AppProcess } from './app-process.js';

const bench = await createAppBench();
await bench.database.query('CREATE TABLE done (id int, pid int)');
const RANGES = 1_500;
const FAST = { perSecondOnPeak: 60, perSecondOffPeak: 60 };
/** So that the run is not over before the processes are replaced, however slow the machine is. */
const SLOW = { perSecondOnPeak: 8, perSecondOffPeak: 8 };

interface Deployed extends AppProcess {
  readonly version: string;
}

const all: Deployed[] = [];
const running: Deployed[] = [];

async function launch(version: string): Promise<Deployed> {
  const { database, redis } = bench;
  const options = { keyPrefix: bench.keyPrefix(), shutdownTimeout: 5_000 };
  const child = await startAppProcess({ database, redis, ranges: RANGES, rangeMs: 20, version, options });
  const deployed = { ...child, version };
  all.push(deployed);
  running.push(deployed);
  return deployed;
}

/** Replaces the processes one after another by those of another version, as an orchestrator does. */
async function deploy({ backfills }: BackfillApp, version: string): Promise<void> {
  await backfills.configure('work', SLOW);
  for (const old of running.splice(0)) {
    await launch(version);
    old.signal('SIGTERM');
    expect(await old.gone).toEqual([0, null]);
  }
}

const begunBy = (version: string) =>
  all
    .filter((child) => child.version === version)
    .flatMap(({ lines }) => lines.flatMap(({ began, at }) => (began === undefined ? [] : [{ began, at }])));

async function held({ backfills }: BackfillApp): Promise<string> {
  const { stateReason } = await eventually(
    'the run to be held',
    () => backfills.status('work'),
    ({ state }) => state === 'paused',
  );
  return String(stateReason);
}

afterEach(async () => {
  for (const child of all) {
    child.signal('SIGKILL');
  }
  await Promise.all(all.splice(0).map(({ gone }) => gone));
});

it(
  'a rolling deploy under load, forth and back: each version works only while the run is its own',
  async () => {
    const work = defineBackfill({
      name: 'work',
      source: numbers(RANGES),
      version: '1',
      onOtherVersion: 'hold',
      processRange: () => undefined,
    });
    // An API process that is deployed last.
    const operator = await bench.start({ handlers: [work], options: { workers: false } });
    const { backfills } = operator;
    const doneBeyond = (count: number) =>
      eventually(
        `more than ${count} ranges to be done`,
        () => backfills.status('work'),
        ({ done }) => done > count,
      );
    await Promise.all([launch('1'), launch('1')]);
    await backfills.start('work', { config: { batchSize: 1, duration: 2, ...FAST } });
    await doneBeyond(60);

    await deploy(operator, '2');
    expect(await held(operator)).toMatch(/run of version 1 .* this process has version 2.*adoptVersion: '2'/);
    expect(begunBy('2')).toEqual([]);
    const ofFirst = begunBy('1').length;
    const adopted = Date.now();
    await backfills.resume('work', { adoptVersion: '2' });
    await backfills.configure('work', FAST);
    await doneBeyond(ofFirst + 60);
    expect(begunBy('1')).toHaveLength(ofFirst);

    await deploy(operator, '1');
    expect(await held(operator)).toMatch(/run of version 2 .* this process has version 1.*adoptVersion: '1'/);
    const ofSecond = begunBy('2');
    expect(ofSecond.length).toBeGreaterThan(0);
    expect(Math.min(...ofSecond.map(({ at }) => at ?? 0))).toBeGreaterThanOrEqual(adopted);
    expect(begunBy('1')).toHaveLength(ofFirst);
    await backfills.resume('work', { adoptVersion: '1' });
    await backfills.configure('work', { perSecondOnPeak: null, perSecondOffPeak: null });

    expect(await operator.finished('work')).toMatchObject({
      state: 'completed',
      version: '1',
      planned: RANGES,
      done: RANGES,
      rowsDone: RANGES,
      failed: 0,
    });
    expect(begunBy('2')).toEqual(ofSecond);
    const rows = await bench.database.query<{ id: number }>('SELECT id FROM done ORDER BY id');
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: RANGES }, (_, i) => i + 1));
  },
  2 * TEST_MS,
);
