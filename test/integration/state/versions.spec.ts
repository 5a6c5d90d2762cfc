import { setTimeout as sleep } from 'node:timers/promises';
import type { HandlerVersion } from '../../../lib/config/handler-version.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import type { RangeEntry } from '../../../lib/state/range-entry.js';
import type { Reservation, Settlement } from '../../../lib/state/range-steps.js';
import { RangeStore, type WorkedRun } from '../../../lib/state/range.store.js';
import { RunStore } from '../../../lib/state/run.store.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';

const bench = await createAppBench();
const hold = (version: string) => ({ version, onOtherVersion: 'hold' }) as const;
const warn = (version: string | null): HandlerVersion => ({ version, onOtherVersion: 'warn' });

/** A run of version 1 with two planned ranges, on which only the test works. */
async function bareRun(onOtherVersion: 'hold' | 'warn') {
  const handler = defineBackfill({
    name: 'bare',
    version: '1',
    onOtherVersion,
    source: numbers(1),
    processRange: () => undefined,
  });
  const { app, backfills } = await bench.start({ handlers: [handler], options: { workers: false } });
  await app.get(BackfillWatchdog, { strict: false }).close();
  const { runId } = await backfills.start('bare', {
    config: { perSecondOnPeak: null, perSecondOffPeak: null },
  });
  const rangeStore = app.get(RangeStore, { strict: false });
  const runs = app.get(RunStore, { strict: false });
  const { client } = app.get(RedisConnections, { strict: false });
  const keys = app.get(BackfillKeys, { strict: false });
  const as = (backfill: HandlerVersion): WorkedRun => ({ runId, backfill });
  const reservation = (seq: number): Reservation => ({
    seq,
    partition: '',
    from: seq === 0 ? null : 20 * seq,
    cursor: 20 * (seq + 1),
    ranges: [0, 1].map((i) => ({ data: [20 * seq + 10 * i, 20 * seq + 10 * i + 9], rows: 10 })),
    exhausted: false,
    partitionsDone: [],
    rangesPerJob: 1,
  });
  await rangeStore.reserve(as(hold('1')), reservation(0));
  const claim = async (version: HandlerVersion, index = 0) => rangeStore.claim(as(version), [index], 250);
  const adopt = async (version: string) => {
    await runs.move(runId, 'pause', '', {});
    return runs.move(runId, 'resume', '', {}, { adopt: hold(version) });
  };
  const counters = async () => {
    const { planned, done, outstanding, rowsDone } = await backfills.status('bare');
    return { planned, done, outstanding, rowsDone };
  };
  /** 1 when a process with these handlers gets the lease to supervise the run, else 0. */
  const tick = async (version: HandlerVersion) => {
    const [, , ...ofRun] = await scripts.tick.run(client, keys, undefined, [
      1,
      'bare',
      `${version.onOtherVersion}|${version.version ?? ''}`,
    ]);
    return ofRun[4];
  };
  return { runId, runs, client, keys, rangeStore, as, reservation, claim, adopt, counters, tick };
}

async function entryOf(
  answer: ReturnType<Awaited<ReturnType<typeof bareRun>>['claim']>,
): Promise<RangeEntry> {
  const { claims } = await answer;
  if (!claims[0]) {
    throw new Error('Expected the range to be claimed');
  }
  return claims[0].entry;
}

const splitOf = (entry: RangeEntry): Settlement => ({
  entry,
  rowsDone: 5,
  outcome: 'replaced',
  successors: [
    { attempts: 1, delayMs: 0, rows: 5, payload: { kind: 'range', partition: '', range: [0, 4] } },
    { attempts: 1, delayMs: 0, rows: 5, payload: { kind: 'range', partition: '', range: [5, 9] } },
  ],
  failures: [],
  error: '',
});

describe('Redis, for a handler of another version than the run', () => {
  it.each<[string, 'hold' | 'warn', HandlerVersion]>([
    ['both hold', 'hold', hold('2')],
    ['the run holds', 'hold', warn('2')],
    ['the handler holds', 'warn', hold('2')],
    ['the run holds and the handler has no version', 'hold', warn(null)],
  ])('refuses claims, plans and supervision: %s', async (_, policy, other) => {
    const { rangeStore, as, claim, reservation, counters, tick } = await bareRun(policy);
    expect(await claim(other)).toEqual({ status: 'stopped', claims: [] });
    expect(await rangeStore.reserve(as(other), reservation(1))).toEqual({ kind: 'stopped' });
    expect(await tick(other)).toBe(0);
    expect(await counters()).toEqual({ planned: 2, done: 0, outstanding: 2, rowsDone: 0 });

    const own = policy === 'hold' ? hold('1') : warn('1');
    expect((await claim(own)).status).toBe('granted');
    expect(await rangeStore.reserve(as(own), reservation(1))).toMatchObject({ kind: 'reserved' });
    expect(await tick(own)).toBe(1);
  });

  it('grants all of it where both are to warn', async () => {
    const { rangeStore, as, claim, reservation, tick } = await bareRun('warn');
    expect((await claim(warn('2'))).status).toBe('granted');
    expect(await rangeStore.reserve(as(warn(null)), reservation(1))).toMatchObject({ kind: 'reserved' });
    expect(await tick(warn('2'))).toBe(1);
  });

  it('refuses the results of ranges that were claimed before another version was adopted, and hands them out again', async () => {
    const { rangeStore, as, claim, adopt, counters } = await bareRun('hold');
    const [first, second] = [await entryOf(claim(hold('1'), 0)), await entryOf(claim(hold('1'), 1))];
    const before = await counters();
    expect(await adopt('2')).toMatchObject({ kind: 'moved', now: 'running' });

    const old = as(hold('1'));
    expect(await rangeStore.acknowledge(old, [{ entry: first, rows: 10 }])).toMatchObject({ counted: false });
    expect(await rangeStore.acknowledgeRows(old, second, 5, [5])).toBeNull();
    expect(await rangeStore.settle(old, splitOf(second))).toMatchObject({ counted: false, successors: [] });
    await rangeStore.release(old.runId, [0, 1]);
    expect(await counters()).toEqual(before);
    expect((await claim(hold('1'))).status).toBe('stopped');

    const again = await entryOf(claim(hold('2'), 0));
    expect(again).toMatchObject({ claims: 2, crashes: 0, attempts: 0, payload: first.payload });
    const adopted = as(hold('2'));
    expect(await rangeStore.acknowledge(adopted, [{ entry: again, rows: 10 }])).toMatchObject({
      counted: true,
    });
    const split = await entryOf(claim(hold('2'), 1));
    expect(await rangeStore.settle(adopted, splitOf(split))).toMatchObject({ counted: true });
    expect(await counters()).toEqual({ planned: 3, done: 1, outstanding: 2, rowsDone: 15 });
  });

  it('grants claims only to the version that the run has at that moment, whatever races with the adoptions', async () => {
    const { runs, runId, client, keys, rangeStore, as, reservation, adopt } = await bareRun('hold');
    for (let seq = 1; seq < 20; seq++) {
      await rangeStore.reserve(as(hold('1')), reservation(seq));
    }
    const versions: string[] = [];
    const adopted = new AbortController();
    const claims = async (version: string) => {
      for (let index = 0; !adopted.signal.aborted; index = (index + 1) % 40) {
        const [[, answer], [, current]] = (await client
          .multi()
          .eval(
            ...scripts.claim.evalArguments(keys, as(hold(version)), [
              250_000,
              '0|0|0',
              index,
              `hold|${version}`,
            ]),
          )
          .hget(keys.run(runId), 'version')
          .exec()) as [[null, string[]], [null, string]];
        if (answer[0] === 'granted') {
          expect(current).toBe(version);
          versions.push(version);
        }
      }
    };
    const adoptions = async () => {
      for (let i = 0; i < 40; i++) {
        await adopt(String(((i + 1) % 2) + 1));
        await sleep(i % 5);
      }
      adopted.abort();
    };
    await Promise.all([claims('1'), claims('2'), adoptions()]);
    expect(new Set(versions)).toEqual(new Set(['1', '2']));
    expect(await runs.read(runId)).toMatchObject({ version: '1', onOtherVersion: 'hold' });
  });

  it('has a run adopt a version only while it is paused', async () => {
    const { runs, runId } = await bareRun('hold');
    expect(await runs.move(runId, 'resume', '', {}, { adopt: hold('2') })).toMatchObject({ kind: 'refused' });
    expect(await runs.move(runId, 'resume', '', {}, { adopt: hold('1') })).toMatchObject({ kind: 'already' });
    await runs.move(runId, 'pause', '', {});
    expect(await runs.move(runId, 'cancel', '', {}, {})).toMatchObject({ kind: 'moved' });
    expect(await runs.move(runId, 'resume', '', {}, { adopt: hold('2') })).toMatchObject({ kind: 'refused' });
    expect((await runs.read(runId))?.version).toBe('1');
  });

  it('keeps the policy of a run that adopts a version of a handler that warns', async () => {
    const { runs, runId } = await bareRun('hold');
    await runs.move(runId, 'pause', '', {});
    await runs.move(runId, 'resume', '', {}, { adopt: { version: '2', onOtherVersion: 'warn' } });
    expect(await runs.read(runId)).toMatchObject({ version: '2', onOtherVersion: 'hold' });
  });
});
