import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import { BackfillConflictError, BackfillDefinitionError, keyset, NonRetryableError } from 'nestjs-backfill';
import type { BackfillContext, BackfillOptions } from 'nestjs-backfill';
import { createAppBench, defineBackfill, eventually, Item, numbers } from '../../support/apps/index.js';
import type { BackfillApp } from '../../support/apps/index.js';

const bench = await createAppBench();
const NAME = 'pinned';
const ROWS = 100;
const everyId = Array.from({ length: ROWS }, (_, i) => i + 1);

type Shape = 'range' | 'batch' | 'row';

interface Deploy {
  readonly handler: Type;
  /** Ids of the rows that its handler has finished. */
  readonly seen: number[];
  /** Ids of the rows that its handler was given. */
  readonly begun: number[];
}

interface DeployOptions extends Partial<BackfillOptions> {
  readonly shape?: Shape;
  /** Called for each row before it is finished. */
  readonly before?: (id: number, context: BackfillContext) => Promise<void> | void;
}

/** The app with one version of the handler. */
function versioned({ shape = 'row', before = () => undefined, ...options }: DeployOptions): Deploy {
  const seen: number[] = [];
  const begun: number[] = [];
  const process = async (rows: readonly { id: number }[], context: BackfillContext) => {
    for (const { id } of rows) {
      begun.push(id);
      await before(id, context);
      seen.push(id);
    }
  };
  const methods = {
    range: {
      processRange: (
        { first, last }: { first: { id: number }; last: { id: number } },
        context: BackfillContext,
      ) =>
        process(
          Array.from({ length: last.id - first.id + 1 }, (_, i) => ({ id: first.id + i })),
          context,
        ),
    },
    batch: { processBatch: process },
    row: { processRow: (row: { id: number }, context: BackfillContext) => process([row], context) },
  };
  const handler = defineBackfill<never, { id: number }>({
    name: NAME,
    source: keyset(Item, { orderBy: { id: 'asc' } }),
    config: { batchSize: 5, attempts: 1, perSecondOnPeak: null, perSecondOffPeak: null },
    onOtherVersion: 'hold',
    ...options,
    ...(methods[shape] as object),
  });
  return { handler, seen, begun };
}

const PACED = { perSecondOnPeak: 20, perSecondOffPeak: 20, batchSize: 2 };
const FAST = { perSecondOnPeak: null, perSecondOffPeak: null };
const sorted = (ids: readonly number[]) => ids.toSorted((a, b) => a - b);

function deploy({ handler }: Deploy, options: object = {}): Promise<BackfillApp> {
  return bench.start({ handlers: [handler], options: { shutdownTimeout: 300, ...options } });
}

/** Resumes a run under another version, once no process works on it any more. */
async function adopt({ backfills }: BackfillApp, adoptVersion: string): Promise<void> {
  await eventually(
    'the processes to stop',
    () => backfills.status(NAME),
    ({ workers }) => workers === 0,
  );
  await backfills.resume(NAME, { adoptVersion });
}

async function underWay({ backfills }: BackfillApp): Promise<void> {
  await eventually(
    'the run to be under way',
    () => backfills.status(NAME),
    ({ rowsDone }) => rowsDone > 0,
  );
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BackfillConflictError);
  return (error as Error).message;
}

beforeEach(() => bench.fillItems(`SELECT generate_series(1, ${ROWS})`));

describe('a run of a handler with onOtherVersion: hold', () => {
  it.each<[Shape]>([['range'], ['batch'], ['row']])(
    'is worked on by its own version alone while both are deployed: %s',
    async (shape) => {
      const [old, next] = [versioned({ version: '1', shape }), versioned({ version: '2', shape })];
      const [first, second] = [await deploy(old), await deploy(next)];
      await first.backfills.start(NAME, { config: PACED });
      await eventually(
        'the other version to say so',
        () => second.logs.lines.join('\n'),
        (text) => /does not work on the run: .*version 1.*version 2/.test(text),
      );
      expect((await second.backfills.status(NAME)).warnings.join()).toMatch(
        /does not work on the run: .*version 1.*version 2/,
      );
      await first.backfills.configure(NAME, FAST);

      expect(await first.finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS });
      expect(next.begun).toEqual([]);
      expect(sorted(old.seen)).toEqual(everyId);
    },
  );

  it.each([
    ['a deploy', '1', '2'],
    ['a rollback', '2', '1'],
  ])('is held once its version is gone, until another is adopted: %s', async (_, before, after) => {
    const [old, next] = [versioned({ version: before }), versioned({ version: after })];
    const first = await deploy(old);
    await first.backfills.start(NAME, { config: PACED });
    await underWay(first);
    await first.close();
    const second = await deploy(next);

    const { stateReason, adoptVersion, version } = await eventually(
      'the run to be held',
      () => second.backfills.status(NAME),
      ({ state }) => state === 'paused',
    );
    const words = new RegExp(
      `version ${before}.*version ${after}.*adoptVersion: '${after}'.*resume ${NAME} --adopt-version ${after}`,
    );
    expect(stateReason).toMatch(words);
    expect({ adoptVersion, version }).toEqual({ adoptVersion: after, version: before });
    expect(await refusalOf(second.backfills.resume(NAME))).toMatch(words);
    expect(next.begun).toEqual([]);

    await second.backfills.resume(NAME, { adoptVersion: after, by: 'ana' });
    await second.backfills.configure(NAME, FAST);
    expect(await second.finished(NAME)).toMatchObject({
      state: 'completed',
      rowsDone: ROWS,
      version: after,
      adoptVersion: null,
      warnings: [],
    });
    expect((await second.newest(NAME)).version).toBe(after);
    expect(sorted([...old.seen, ...next.seen])).toEqual(everyId);
    const resumed = (await second.backfills.history(NAME)).find(({ type }) => type === 'resumed');
    expect(resumed?.data).toMatchObject({ by: 'ana', adoptVersion: after, version: before });
  });

  it('is refused to processes that were started before another version was adopted, forth and back', async () => {
    const [old, next] = [versioned({ version: '1' }), versioned({ version: '2' })];
    const [first, second] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { config: PACED });
    await underWay(first);
    await first.backfills.pause(NAME);
    await adopt(second, '2');
    const atAdoption = old.begun.length;
    await eventually(
      'the adopted version to work',
      () => next.seen.length,
      (count) => count > 5,
    );
    expect(old.begun).toHaveLength(atAdoption);
    expect(await refusalOf(first.backfills.resume(NAME, { adoptVersion: '1' }))).toMatch(
      /running with version 2.*pause it first/i,
    );

    await second.backfills.pause(NAME);
    await adopt(first, '1');
    const atRollback = next.begun.length;
    await first.backfills.configure(NAME, FAST);
    expect(await first.finished(NAME)).toMatchObject({ state: 'completed', version: '1', rowsDone: ROWS });
    expect(next.begun).toHaveLength(atRollback);
    expect([...new Set(sorted([...old.seen, ...next.seen]))]).toEqual(everyId);
  });

  it('is not adopted while ranges of its version are in flight; what they do later does not count', async () => {
    let release!: () => void;
    const stuck = new Promise<void>((resolve) => (release = resolve));
    const old = versioned({ version: '1', before: () => stuck });
    const next = versioned({ version: '2' });
    const first = await deploy(old, { shutdownTimeout: 2_000 });
    await first.backfills.start(NAME);
    await eventually(
      'a handler that ignores its signal',
      () => old.begun.length,
      (count) => count > 0,
    );
    const { backfills, finished } = await deploy(next);
    await backfills.pause(NAME);
    expect(await refusalOf(backfills.resume(NAME, { adoptVersion: '2' }))).toMatch(
      /may still be in flight in a process.*repeat/i,
    );
    await adopt(await deploy(versioned({ version: '2' }), { workers: false }), '2');
    const held = [...old.begun];
    release();
    expect(await finished(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS });
    await eventually(
      'the old version to finish',
      () => old.seen.length,
      (count) => count >= held.length,
    );
    expect(sorted(next.seen)).toEqual(everyId);
    expect(await backfills.status(NAME)).toMatchObject({ state: 'completed', rowsDone: ROWS, done: 20 });
  });

  it('is held again when the adopted version is deployed nowhere', async () => {
    const { backfills } = await deploy(versioned({ version: '1' }));
    await backfills.start(NAME, { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await backfills.pause(NAME);
    await eventually(
      'its worker to stop',
      () => backfills.status(NAME),
      ({ workers }) => workers === 0,
    );
    await backfills.resume(NAME, { adoptVersion: '3' });
    const { stateReason } = await eventually(
      'the run to be held',
      () => backfills.status(NAME),
      ({ state }) => state === 'paused',
    );
    expect(stateReason).toMatch(/version 3.*version 1.*adoptVersion: '1'/);
  });

  it('keeps its version when it is resumed, and when it is a dry run', async () => {
    const [old, next] = [versioned({ version: '1' }), versioned({ version: '2' })];
    const [first, second] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { dryRun: true, config: PACED });
    await underWay(first);
    await first.backfills.pause(NAME);
    expect(await refusalOf(second.backfills.resume(NAME))).toMatch(/version 1.*version 2/);
    await first.backfills.resume(NAME);
    await first.backfills.configure(NAME, FAST);
    expect(await first.finished(NAME)).toMatchObject({ state: 'completed', version: '1', dryRun: true });
    expect(next.begun).toEqual([]);
    // A new run has the version of the process that starts it.
    await second.backfills.start(NAME);
    expect(await second.finished(NAME)).toMatchObject({ state: 'completed', version: '2' });
    expect(sorted(next.seen)).toEqual(everyId);
  });

  it('retries failures with its version, or with the one that the retry adopts', async () => {
    const broken = (id: number) => {
      if (id === 42) throw new NonRetryableError('item 42 is broken');
    };
    const first = await deploy(versioned({ version: '1', before: broken }));
    await first.backfills.start(NAME);
    expect((await first.finished(NAME)).state).toBe('failed');
    const fixed = versioned({ version: '2' });
    const { backfills, finished } = await deploy(fixed);

    expect(await refusalOf(backfills.retryFailures(NAME))).toMatch(
      /version 1.*version 2.*adoptVersion: '2'.*retry pinned --adopt-version 2/,
    );
    expect((await backfills.status(NAME)).state).toBe('failed');
    const receipt = await backfills.retryFailures(NAME, { adoptVersion: '2' });
    expect(receipt).toMatchObject({ retried: 1, state: 'running' });
    expect(await finished(NAME)).toMatchObject({ state: 'completed', version: '2', rowsDone: ROWS });
    expect(fixed.seen).toEqual([42]);
  });

  it('adopts a version by a retry only once it has ended', async () => {
    const [old, next] = [versioned({ version: '1' }), versioned({ version: '2' })];
    const [first, second] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { config: PACED });
    await underWay(first);

    expect(await refusalOf(second.backfills.retryFailures(NAME))).toMatch(
      /resume it with \{ adoptVersion: '2' \}.*resume pinned --adopt-version 2/,
    );
    expect(await refusalOf(second.backfills.retryFailures(NAME, { adoptVersion: '2' }))).toMatch(
      /pause and resume it with that version/,
    );
    expect(await second.backfills.status(NAME)).toMatchObject({ state: 'running', version: '1' });
  });
});

describe('the policy of a run', () => {
  it('is to warn by default: both versions work on the run', async () => {
    const slow = () => sleep(20);
    const options = { onOtherVersion: undefined, before: slow } as const;
    const [old, next] = [versioned({ version: '1', ...options }), versioned({ version: '2', ...options })];
    const [first, second] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { config: { batchSize: 1 } });
    expect((await second.backfills.status(NAME)).warnings.join()).toMatch(
      /started with version 1 of the handler; this process has 2/,
    );
    expect(await second.finished(NAME)).toMatchObject({ state: 'completed', adoptVersion: null });
    expect(sorted([...old.seen, ...next.seen])).toEqual(everyId);
    expect(next.seen.length).toBeGreaterThan(0);
  });

  it.each<[string, DeployOptions, DeployOptions]>([
    ['the run was started to warn', { version: '1', onOtherVersion: 'warn' }, { version: '2' }],
    ['the run has no version', { onOtherVersion: 'warn' }, { version: '2' }],
    ['the handler is to warn', { version: '1' }, { version: '2', onOtherVersion: 'warn' }],
    ['the handler has no version', { version: '1' }, { onOtherVersion: 'warn' }],
  ])('is to hold where either the run or the handler says so: %s', async (_, before, after) => {
    const [old, next] = [versioned(before), versioned(after)];
    const [first] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { config: PACED });
    await underWay(first);
    await first.backfills.configure(NAME, FAST);
    expect((await first.finished(NAME)).state).toBe('completed');
    expect(next.begun).toEqual([]);
    expect(sorted(old.seen)).toEqual(everyId);
  });

  it('becomes to hold once a handler that holds has adopted the run', async () => {
    const old = versioned({ version: '1', onOtherVersion: 'warn' });
    const next = versioned({ version: '2' });
    const [first, second] = [await deploy(old), await deploy(next)];
    await first.backfills.start(NAME, { config: PACED });
    await underWay(first);
    await first.backfills.pause(NAME);
    await adopt(second, '2');
    const atAdoption = old.begun.length;
    await second.backfills.configure(NAME, FAST);
    expect((await second.finished(NAME)).state).toBe('completed');
    expect(old.begun).toHaveLength(atAdoption);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'hold without a version',
      { onOtherVersion: 'hold' },
      /"pinned".*onOtherVersion: 'hold'.*a version.*got none/,
    ],
    ['another policy', { version: '1', onOtherVersion: 'stop' }, /onOtherVersion.*'hold' or 'warn'.*"stop"/],
    [
      'a version that is no text',
      { version: 2, onOtherVersion: 'hold' },
      /version.*1 to 200 characters.*got 2/,
    ],
    ['a version with a line break', { version: '1\n2' }, /version.*1 to 200 characters/],
  ])('is checked when the app starts: %s', async (_, options, message) => {
    const handler = defineBackfill({
      name: NAME,
      source: numbers(1),
      processRange: () => undefined,
      ...(options as object),
    });
    const failed = await bench.start({ handlers: [handler] }).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(BackfillDefinitionError);
    expect((failed as Error).message).toMatch(message);
  });

  it.each([[''], ['1\n'], ['x'.repeat(201)]])('a version to adopt is parsed: %j', async (adoptVersion) => {
    const { backfills } = await deploy(versioned({ version: '1' }));
    await backfills.start(NAME, { config: { perSecondOnPeak: 0, perSecondOffPeak: 0 } });
    await backfills.pause(NAME);
    await expect(backfills.resume(NAME, { adoptVersion })).rejects.toThrow(
      /adoptVersion.*1 to 200 characters/,
    );
    await expect(backfills.retryFailures(NAME, { adoptVersion })).rejects.toThrow(/adoptVersion/);
  });
});
