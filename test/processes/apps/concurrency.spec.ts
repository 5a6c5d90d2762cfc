import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { createAppBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';
import { startAppProcess, type AppProcess } from './app-process.js';

const bench = await createAppBench();
await bench.database.query('CREATE TABLE done (id int, pid int)');
const bounds = { min: 1, max: 6 };
const RANGES = 1_000_000;

const running: AppProcess[] = [];
afterEach(async () => {
  for (const child of running) {
    child.signal('SIGKILL');
  }
  await Promise.all(running.splice(0).map(({ gone }) => gone));
});

async function launch(keyPrefix: string): Promise<AppProcess> {
  const { database, redis } = bench;
  const settings = { ranges: RANGES, rangeMs: 200, concurrency: bounds, options: { keyPrefix } };
  const child = await startAppProcess({ database, redis, ...settings });
  running.push(child);
  return child;
}

describe('the concurrency of a run, when the process that decides on it is killed', () => {
  it('stays, and another process goes on with its state', async () => {
    const keyPrefix = bench.keyPrefix();
    const keys = new BackfillKeys(keyPrefix);
    const { client } = bench.redis;
    const work = defineBackfill({
      name: 'work',
      source: numbers(RANGES),
      config: { concurrency: bounds },
      processRange: () => undefined,
    });
    const { backfills } = await bench.start({ handlers: [work], options: { keyPrefix, workers: false } });
    const first = await launch(keyPrefix);
    const { runId } = await backfills.start('work', {
      config: { batchSize: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    });
    const value = async () => (await backfills.status('work')).concurrency?.value ?? 0;
    const decides = () => client.get(keys.loadLease(runId));
    const decider = await eventually('a process that decides', decides, (id) => id !== null);
    await eventually('a value above the minimum', value, (now) => now > 2);

    const second = await launch(keyPrefix);
    const reports = async () => Object.keys(await client.hgetall(keys.load(runId)));
    await eventually(
      'a report of both',
      reports,
      (fields) => fields.filter((field) => !field.startsWith('_')).length === 2,
    );
    expect(await decides()).toBe(decider);
    const stored = async () => {
      const text = await client.hget(keys.run(runId), 'concurrency');
      return JSON.parse(text ?? '{}') as { at: number; value: number; begunAt: number };
    };
    const before = await stored();
    first.signal('SIGKILL');
    expect(await first.gone).toEqual([null, 'SIGKILL']);

    const heir = await eventually('another one', decides, (id) => id !== null && id !== decider);
    const after = await eventually('its first decision', stored, ({ at }) => at > before.at + 1_000);
    // Its own state would begin at the minimum.
    expect(after.value).toBeGreaterThanOrEqual(Math.min(before.value, 2));
    expect(heir).not.toBe(decider);
    await eventually(
      'the slots of the process that is left',
      async () => (await backfills.status('work')).concurrency?.value,
      (now) => now === bounds.max,
    );
    const { length } = second.began();
    await eventually(
      'ranges of the process that is left',
      () => second.began().length,
      (now) => now > length,
    );
    await backfills.cancel('work');
  });
});
