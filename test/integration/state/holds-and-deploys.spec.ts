import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RateLimitedError } from 'nestjs-backfill';
import type { BackfillEvent, BackfillHistoryType, BackfillThrottle } from 'nestjs-backfill';
import {
  createAppBench,
  defineBackfill,
  eventually,
  numbers,
  type BackfillApp,
} from '../../support/apps/index.js';

const bench = await createAppBench();
const rate = (perSecond: number | null) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
const HOLDS: readonly BackfillHistoryType[] = ['held', 'released'];

interface Work {
  readonly perSecond?: number;
  readonly version?: string;
  readonly throttles?: BackfillThrottle[];
  readonly processRange?: () => void;
}

function work({ perSecond = 20, version, throttles = [], processRange = () => undefined }: Work = {}) {
  return defineBackfill({
    name: 'work',
    source: numbers(1_000_000),
    config: { batchSize: 1, backoffMs: 0, ...rate(perSecond) },
    ...(version === undefined ? {} : { version }),
    throttles,
    processRange,
  });
}

/** Rewrites a field of the run, so that what it says happened longer ago. */
async function rewrite({ app }: BackfillApp, runId: string, field: string, change: (text: string) => string) {
  const key = app.get(BackfillKeys).run(runId);
  const text = await bench.redis.client.hget(key, field);
  await bench.redis.client.hset(key, field, change(text ?? ''));
}

/** Has the recorded hold begin a minute earlier. */
const ageHold = (app: BackfillApp, runId: string) =>
  rewrite(app, runId, 'heldFor', (text) => text.replace(/^\d+/, (since) => String(Number(since) - 60_000)));

const holds = ({ backfills }: BackfillApp) =>
  backfills.history('work', { types: HOLDS }).then((entries) => entries.toReversed());

const holdsOf = (app: BackfillApp, count: number) =>
  eventually(
    `${count} entries of holds`,
    () => holds(app),
    ({ length }) => length >= count,
  );

describe('the history of what holds a run', () => {
  it('has a configured rate of 0 from the step that sets it, and its end once the run goes on', async () => {
    const app = await bench.start({ handlers: [work({ perSecond: 0 })] });
    const events: BackfillEvent[] = [];
    app.backfills.events().subscribe((event) => events.push(event));
    const { runId } = await app.backfills.start('work');
    expect(await holds(app)).toMatchObject([
      { type: 'held', runId, data: { reason: 'the configured rate is 0' } },
    ]);
    await app.backfills.configure('work', rate(50));
    await eventually(
      'something to be done',
      () => app.backfills.status('work'),
      ({ done }) => done > 30,
    );
    // Held for less than half a minute: it may be held again at once.
    expect(await holds(app)).toHaveLength(1);
    await ageHold(app, runId);
    const [, released] = await holdsOf(app, 2);
    const { since, ended } = released?.data ?? {};
    expect(released).toMatchObject({ type: 'released', data: { reason: 'the configured rate is 0' } });
    expect(Number(ended) - Number(since)).toBeGreaterThanOrEqual(60_000);
    expect(Number(ended)).toBeLessThan(Date.parse(released?.at ?? ''));
    await eventually(
      'both as events',
      () => Promise.resolve(events.map(({ type }) => type).filter((type) => HOLDS.includes(type))),
      (types) => types.length === 2,
    );
  });

  it('has a throttle that comes and goes once, whatever its numbers, and another reason as another hold', async () => {
    const reading = { pressure: 1, reason: 'replication lag 48 s' };
    const throttle = { name: 'lag', measure: () => ({ ...reading }) };
    const app = await bench.start({ handlers: [work({ throttles: [throttle] })] });
    const { runId } = await app.backfills.start('work');
    await holdsOf(app, 1);
    const heldIs = (isHeld: boolean) =>
      eventually(
        `held to be ${isHeld}`,
        () => app.backfills.status('work'),
        ({ held }) => (held !== null) === isHeld,
      );
    for (const lag of [49, 50]) {
      reading.pressure = 0;
      await heldIs(false);
      Object.assign(reading, { pressure: 1, reason: `replication lag ${lag} s` });
      await heldIs(true);
    }
    expect(await holds(app)).toMatchObject([{ type: 'held', data: { reason: 'replication lag 48 s' } }]);
    reading.reason = 'pool of 3 connections is full';
    await ageHold(app, runId);
    expect(await holdsOf(app, 2)).toMatchObject([
      {},
      { type: 'held', data: { reason: 'pool of 3 connections is full' } },
    ]);
    // A pause ends a hold without an entry of its own.
    await app.backfills.pause('work');
    expect(await holds(app)).toHaveLength(2);
  });

  it('has a third party once, however often it refuses, and the lack of workers', async () => {
    let refused = 0;
    const app = await bench.start({
      handlers: [
        work({
          processRange: () => {
            refused++;
            throw new RateLimitedError(50);
          },
        }),
      ],
    });
    const { runId } = await app.backfills.start('work');
    // Ranges that begin together are refused before the first refusal holds the run.
    await holdsOf(app, 1);
    const before = refused;
    await eventually(
      'three further refusals',
      () => Promise.resolve(refused),
      (count) => count >= before + 3,
    );
    expect(await holds(app)).toMatchObject([{ type: 'held', data: { reason: 'held by the third party' } }]);
    await app.close();

    const alone = await bench.start({ handlers: [work()], options: { workers: false } });
    await ageHold(alone, runId);
    await rewrite(alone, runId, 'stateSince', (text) =>
      text.replace(/\|(\d{13})\|/, (_, ms) => `|${Number(ms) - 60_000}|`),
    );
    expect((await holdsOf(alone, 2)).at(-1)).toMatchObject({
      type: 'held',
      data: { reason: 'no process has workers for it' },
    });
  });

  it('has a deploy once, where a version is new and where all processes are', async () => {
    const deploys = ({ backfills }: BackfillApp) => backfills.history('work', { types: ['deployed'] });
    const old = await bench.start({ handlers: [work({ version: '1' })] });
    const { runId } = await old.backfills.start('work');
    const first = await bench.start({ handlers: [work({ version: '2' })] });
    const second = await bench.start({ handlers: [work({ version: '2' })] });
    await eventually(
      'all to work',
      () => first.backfills.status('work'),
      ({ workers }) => workers === 3,
    );
    expect(await deploys(first)).toMatchObject([
      { type: 'deployed', runId, data: { version: '2', from: '1' } },
    ]);
    await Promise.all([old, first, second].map((app) => app.close()));
    const next = await bench.start({ handlers: [work({ version: '2' })] });
    await rewrite(next, runId, 'stateSince', (text) =>
      text.replace(/\|(\d{13})\|/, (_, ms) => `|${Number(ms) - 60_000}|`),
    );
    const [newest, ...others] = await eventually(
      'the second deploy',
      () => deploys(next),
      ({ length }) => length >= 2,
    );
    expect(newest).toMatchObject({ data: { version: '2', from: '2', processes: 1 } });
    expect(others).toHaveLength(1);
  });
});
