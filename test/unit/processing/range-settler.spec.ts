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

describe('an acknowledgement that fails while its job goes on', () => {
  it('fails the job at its end, and is no unhandled rejection until then', async () => {
    const rangeStore = { acknowledge: () => Promise.reject(new Error('READONLY')) };
    const settler = new RangeSettler(
      { runId: 'run' } as ServedRun,
      () => resolveConfig({}),
      {} as QuotaLimiter,
      {} as CallLimiters,
      { rangeStore } as unknown as RunWorkerDeps,
      {} as RunWorkerEvents,
    );
    const pendingAcks: Promise<unknown>[] = [];
    const { signal } = new AbortController();
    expect(await settler.settle(entry, { kind: 'done', rows: 1 }, signal, pendingAcks)).toBe('settled');
    // Jest fails the test on an unhandled rejection.
    await sleep(100);
    await expect(settler.flush(pendingAcks)).rejects.toThrow('READONLY');
  });
});
