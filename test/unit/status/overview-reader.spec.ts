import type { BackfillRegistry } from '../../../lib/handlers/backfill.registry.js';
import type { FactsCache } from '../../../lib/status/facts.cache.js';
import { OverviewReader } from '../../../lib/status/overview.reader.js';
import type { StatusBuilder } from '../../../lib/status/status.builder.js';

type Reading = Awaited<ReturnType<FactsCache['read']>>;

const READING: Reading = { micros: 1, event: '0-0', active: [], hold: null, facts: new Map() };

/** A reader whose reads of Redis the test settles. */
function readerOf(isCurrent = false) {
  const reads: { resolve: (reading: Reading) => void; reject: (error: Error) => void }[] = [];
  const cache = {
    read: () => new Promise<Reading>((resolve, reject) => reads.push({ resolve, reject })),
    isCurrent: async () => isCurrent,
  };
  const reader = new OverviewReader(
    { all: () => [] } as unknown as BackfillRegistry,
    cache as unknown as FactsCache,
    {} as StatusBuilder,
  );
  return { reads, overview: () => reader.overview(undefined) };
}

describe('requests for the overview', () => {
  it('share a read that Redis does not answer, however long that takes', async () => {
    const { reads, overview } = readerOf();
    const first = overview();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const second = overview();
    expect(reads).toHaveLength(1);
    reads[0]?.resolve(READING);
    expect((await second).revision).toBe((await first).revision);
    await new Promise((resolve) => setTimeout(resolve, 1));
    void overview();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(reads).toHaveLength(2);
  });

  it('share one for as long as nothing can have changed', async () => {
    const { reads, overview } = readerOf(true);
    const first = overview();
    reads[0]?.resolve(READING);
    const { now, revision } = await first;
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const later = await overview();
    expect(reads).toHaveLength(1);
    // The revision is that of the read: another process may know of a change since.
    expect(later.revision).toBe(revision);
    expect(Date.parse(later.now) - Date.parse(now)).toBeGreaterThanOrEqual(1_000);
  });

  it('read again after one that failed', async () => {
    const { reads, overview } = readerOf();
    const failed = overview();
    reads[0]?.reject(new Error('no answer'));
    await expect(failed).rejects.toThrow('no answer');
    const next = overview();
    await new Promise((resolve) => setTimeout(resolve, 1));
    reads[1]?.resolve(READING);
    expect((await next).names).toEqual([]);
  });
});
