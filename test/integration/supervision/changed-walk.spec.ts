import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { BackfillConflictError, idRange, keyset, NonRetryableError } from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'walk-items';
const ROWS = 100;

interface Walker {
  readonly handler: Type;
  /** Ids of the rows that the handler was given. */
  readonly seen: number[];
}

interface WalkerOptions {
  /** Id of the row for which the handler throws. */
  readonly broken?: number;
  /** Whether the handler waits until it is aborted. */
  readonly held?: boolean;
}

/** A backfill over a source, in one version of an app. */
function walker(source: unknown, { broken, held = false }: WalkerOptions = {}): Walker {
  const seen: number[] = [];
  const handler = defineBackfill<never, { id: number }>({
    name: NAME,
    source: source as BackfillSource,
    config: { batchSize: 5, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    processRow: async ({ id }, { signal }) => {
      if (held) await sleep(600_000, undefined, { signal, ref: false });
      if (id === broken) throw new NonRetryableError(`item ${id} is broken`);
      seen.push(id);
    },
  });
  return { handler, seen };
}

const ascending = keyset(Item, { orderBy: { id: 'asc' } });
const everyId = Array.from({ length: ROWS }, (_, i) => i + 1);

async function deploy({ handler }: Walker): Promise<BackfillApp> {
  return bench.start({ handlers: [handler], options: { shutdownTimeout: 300 } });
}

/** A run that was paused when so many of its ranges were planned and none was done, and whose app is gone. */
async function pausedRun(source: unknown, planned = ROWS / 5): Promise<void> {
  const app = await deploy(walker(source, { held: true }));
  await app.backfills.start(NAME, { config: { maxOutstanding: planned } });
  await eventually(
    'ranges to be planned',
    () => app.backfills.status(NAME),
    (status) => status.planned === planned,
  );
  await app.backfills.pause(NAME);
  await app.close();
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackfillConflictError);
  return (error as Error).message;
}

describe('a deploy that changes the walk of a run', () => {
  beforeEach(() => bench.fillItems(`SELECT generate_series(1, ${ROWS})`));

  const inTwo = (eu: object) => ({ partitions: { eu, us: { id: { $gt: 50 } } } });
  const partitioned = (options: object) => keyset(Item, { orderBy: { id: 'asc' }, ...options });
  const eu = { id: { $lte: 50 } };
  it.each<[what: string, before: unknown, after: unknown, message: RegExp]>([
    [
      'the order of keyset',
      ascending,
      keyset(Item, { orderBy: { id: 'desc' } }),
      /order was id asc and is id desc/,
    ],
    [
      'the sort keys of keyset',
      ascending,
      keyset(Item, { orderBy: { touches: 'asc', id: 'asc' } }),
      /order was id asc and is touches asc, id asc/,
    ],
    [
      'the direction of idRange',
      idRange(Item, { direction: 'asc' }),
      idRange(Item),
      /order was id asc and is id desc/,
    ],
    [
      'the key of idRange',
      idRange(Item, { direction: 'asc' }),
      idRange(Item, { direction: 'asc', key: 'touches' }),
      /order was id asc and is touches asc/,
    ],
    [
      'where',
      partitioned({ where: { state: 'new' } }),
      partitioned({ where: { state: 'old' } }),
      /where was \{"state":"new"\} and is \{"state":"old"\}/,
    ],
    ['a where that is new', ascending, partitioned({ where: { id: { $lte: 90 } } }), /where was none and is/],
    ['the kind of source', ascending, idRange(Item, { direction: 'asc' }), /kind was keyset and is id-range/],
    ['a source of the app', ascending, numbers(ROWS), /kind was keyset and is numbers/],
    [
      'a partition that is removed',
      partitioned(inTwo(eu)),
      partitioned({ partitions: { us: { id: { $gt: 50 } } } }),
      /partition eu was .* and is gone/,
    ],
    [
      'the filter of a partition',
      partitioned(inTwo(eu)),
      partitioned(inTwo({ id: { $lte: 40 } })),
      /partition eu was \{"id":\{"\$lte":50\}\} and is \{"id":\{"\$lte":40\}\}/,
    ],
    [
      'partitions that are introduced',
      ascending,
      partitioned(inTwo(eu)),
      /partitions was none and is by name/,
    ],
    [
      'the options of entity filters',
      ascending,
      partitioned({ filters: false }),
      /filters was none and is false/,
    ],
  ])('a paused run does not go on under another walk: %s', async (_, before, after, message) => {
    await pausedRun(before);
    const changed = walker(after);
    const app = await deploy(changed);

    const { state, warnings } = await app.backfills.status(NAME);
    expect(state).toBe('paused');
    expect(warnings.join()).toMatch(message);
    const refusal = await refusalOf(app.backfills.resume(NAME));
    expect(refusal).toMatch(message);
    expect(refusal).toMatch(/Deploy the source as it was, then resume; or cancel the run and start another/);
    await app.close();
    expect(changed.seen).toEqual([]);

    const restored = walker(before);
    const { backfills, finished } = await deploy(restored);
    await backfills.resume(NAME);
    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS, warnings: [] });
    expect(restored.seen.toSorted((a, b) => a - b)).toEqual(everyId);
  });

  it('pauses a running run that no process can serve any more, with what changed and what to do', async () => {
    const first = await deploy(walker(ascending));
    await first.backfills.start(NAME, { config: { perSecondOnPeak: 2, perSecondOffPeak: 2 } });
    await eventually(
      'a start',
      () => first.backfills.status(NAME),
      ({ done }) => done > 0,
    );
    await first.close();
    const changed = walker(keyset(Item, { orderBy: { id: 'desc' } }));
    const { backfills } = await deploy(changed);

    const { stateReason } = await eventually(
      'the run to be paused',
      () => backfills.status(NAME),
      ({ state }) => state === 'paused',
    );
    expect(stateReason).toMatch(/order was id asc and is id desc.*Deploy the source as it was/);
    expect(changed.seen).toEqual([]);
  });

  it('while both versions run, only the one with the walk of the run works on it, and the other says so', async () => {
    const old = walker(ascending);
    const changed = walker(keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }));
    const [first, second] = [await deploy(old), await deploy(changed)];
    await first.backfills.start(NAME, {
      config: { batchSize: 2, perSecondOnPeak: 20, perSecondOffPeak: 20, duration: 1 },
    });

    await eventually(
      'the other version to say so',
      () => second.logs.lines.join('\n'),
      (text) => /where was none and is \{"state":"new"\}/.test(text),
    );
    expect((await second.backfills.status(NAME)).warnings.join()).toMatch(/where was none/);
    expect(await first.finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    expect(changed.seen).toEqual([]);
    expect(old.seen.toSorted((a, b) => a - b)).toEqual(everyId);
  });

  it('does not retry the failures of a run that ended under another walk', async () => {
    const first = await deploy(walker(ascending, { broken: 42 }));
    await first.backfills.start(NAME);
    expect((await first.finished(NAME)).state).toBe('failed');
    await first.close();
    const changed = walker(keyset(Item, { orderBy: { id: 'asc' }, where: { state: 'new' } }));
    const { backfills } = await deploy(changed);

    expect(await refusalOf(backfills.retryFailures(NAME))).toMatch(/where was none and is/);
    expect((await backfills.status(NAME)).state).toBe('failed');
    expect(changed.seen).toEqual([]);
  });

  describe('of a run that an earlier version of the library started', () => {
    /** Leaves what that version stored: no description of the walk. */
    async function forgetWalk(): Promise<void> {
      const { client } = bench.redis;
      const keys = await client.keys(`*${bench.keyPrefix()}*:_:run:*`);
      expect(await Promise.all(keys.map((key) => client.hdel(key, 'walk')))).toEqual([1]);
    }

    it.each<[what: string, before: unknown, after: unknown, message: RegExp]>([
      ['order', ascending, keyset(Item, { orderBy: { id: 'desc' } }), /order was id asc and is id desc/],
      ['direction', idRange(Item), idRange(Item, { direction: 'asc' }), /order was id desc and is id asc/],
      ['kind', ascending, idRange(Item), /kind was keyset and is id-range/],
      [
        'a removed partition',
        partitioned(inTwo(eu)),
        partitioned({ partitions: { us: { id: { $gt: 50 } } } }),
        /partition eu is gone/,
      ],
    ])('recognizes another %s', async (_, before, after, message) => {
      await pausedRun(before);
      await forgetWalk();
      const { backfills } = await deploy(walker(after));

      expect(await refusalOf(backfills.resume(NAME))).toMatch(message);
    });

    it('goes on in the same walk', async () => {
      await pausedRun(partitioned(inTwo(eu)));
      await forgetWalk();
      const same = walker(partitioned(inTwo(eu)));
      const { backfills, finished } = await deploy(same);
      await backfills.resume(NAME);

      expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    });
  });

  it.each<[what: string, before: () => unknown, after: () => unknown]>([
    [
      'a time in where that is computed when the app starts',
      () => partitioned({ where: { state: { $ne: new Date().toISOString() }, id: { $gt: 0 } } }),
      () => partitioned({ where: { state: { $ne: new Date().toISOString() }, id: { $gt: 0 } } }),
    ],
    [
      'another way to write the same where',
      () => partitioned({ where: { id: { $gt: 0, $lt: 1000 }, state: 'new' } }),
      () => partitioned({ where: () => ({ state: { $eq: 'new' }, id: { $lt: 1000, $gt: 0 } }) }),
    ],
    [
      'a further partition, which is no part of the run',
      () => partitioned({ partitions: { eu, us: { id: { $gt: 50 } } } }),
      () => partitioned({ partitions: { asia: { id: { $gt: 1000 } }, us: { id: { $gt: 50 } }, eu } }),
    ],
  ])('goes on where the difference concerns no range: %s', async (_, before, after) => {
    await pausedRun(before());
    const same = walker(after());
    const { backfills, finished } = await deploy(same);
    await backfills.resume(NAME);

    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS, warnings: [] });
    expect(same.seen.toSorted((a, b) => a - b)).toEqual(everyId);
  });
});
