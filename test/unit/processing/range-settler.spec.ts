import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { resolveConfig } from '../../../lib/config/backfill-config.js';
import type { CallLimiters } from '../../../lib/pacing/budget/call.limiters.js';
import type { QuotaLimiter } from '../../../lib/pacing/quota.limiter.js';
import { RangeSettler } from '../../../lib/processing/range.settler.js';
import type { RunWorkerDeps } from '../../../lib/processing/run-worker.deps.js';
import type { RunWorkerEvents, ServedRun } from '../../../lib/processing/served-run.js';
import type { RangeEntry } from '../../../lib/state/range-entry.js';

const entry: RangeEntry = {
  index: 0,
  claims: 1,
  crashes: 0,
  attempts: 0,
  rows: 1,
  payload: { kind: 'range', partition: '', range: 0 },
};

/** A settler, and the indexes that each call acknowledges. */
function settlerOf(answer: () => Promise<unknown> = () => Promise.resolve({ low: false })) {
  const calls: number[][] = [];
  const acknowledge = (_run: unknown, done: readonly { readonly entry: RangeEntry }[]) => {
    calls.push(done.map((range) => range.entry.index));
    return answer();
  };
  const settler = new RangeSettler(
    { runId: 'run' } as ServedRun,
    () => resolveConfig({}),
    {} as QuotaLimiter,
    {} as CallLimiters,
    { rangeStore: { acknowledge } } as unknown as RunWorkerDeps,
    {} as RunWorkerEvents,
  );
  return { settler, calls };
}

describe('acknowledgements', () => {
  it('share a call and a promise until they are sent, and are each in one call', async () => {
    const { settler, calls } = settlerOf();
    const pendingAcks: Promise<unknown>[] = [];
    const acknowledge = (index: number) =>
      settler.acknowledge({ ...entry, index }, { kind: 'done', rows: 1 }, pendingAcks);
    [0, 1, 2].forEach(acknowledge);
    expect(pendingAcks).toHaveLength(1);
    await settler.flush(pendingAcks);
    acknowledge(3);
    expect(pendingAcks).toHaveLength(2);
    await settler.flush(pendingAcks);
    expect(calls).toEqual([[0, 1, 2], [3]]);
  });

  it('of which a call takes 500 are all sent by a flush', async () => {
    const { settler, calls } = settlerOf();
    const pendingAcks: Promise<unknown>[] = [];
    for (let index = 0; index < 1_200; index++) {
      settler.acknowledge({ ...entry, index }, { kind: 'done', rows: 1 }, pendingAcks);
    }
    await settler.flush(pendingAcks);
    expect(calls.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(calls.flat()).toEqual(Array.from({ length: 1_200 }, (_, index) => index));
  });

  it('that come while a call is under way go into the next one', async () => {
    let proceed = () => {};
    const { settler, calls } = settlerOf(
      () => new Promise((resolve) => (proceed = () => resolve({ low: false }))),
    );
    const pendingAcks: Promise<unknown>[] = [];
    settler.acknowledge(entry, { kind: 'done', rows: 1 }, pendingAcks);
    const first = settler.flush([...pendingAcks]);
    await sleep(20);
    settler.acknowledge({ ...entry, index: 1 }, { kind: 'done', rows: 1 }, pendingAcks);
    proceed();
    await first;
    const second = settler.flush(pendingAcks);
    await sleep(20);
    proceed();
    await second;
    expect(calls).toEqual([[0], [1]]);
  });
});

describe('an acknowledgement that fails while its job goes on', () => {
  it('fails the job at its end, and is no unhandled rejection until then', async () => {
    const { settler } = settlerOf(() => Promise.reject(new Error('READONLY')));
    const pendingAcks: Promise<unknown>[] = [];
    settler.acknowledge(entry, { kind: 'done', rows: 1 }, pendingAcks);
    // Jest fails the test on an unhandled rejection.
    await sleep(100);
    await expect(settler.flush(pendingAcks)).rejects.toThrow('READONLY');
  });
});
