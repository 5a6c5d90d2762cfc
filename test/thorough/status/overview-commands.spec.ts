import { createLedgerBench, defineBackfill, eventually, numbers } from '../../support/apps/index.js';

// A Redis of its own: it counts the commands of all clients.
const bench = await createLedgerBench();
const rate = (perSecond: number) => ({ perSecondOnPeak: perSecond, perSecondOffPeak: perSecond });
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function work(name: string) {
  return defineBackfill({
    name,
    source: numbers(100_000),
    config: { batchSize: 10, ...rate(0) },
    processRange: () => 10,
  });
}

describe('an overview a second of 61 backfills', () => {
  const WINDOW_MS = 10_000;
  const names = Array.from({ length: 61 }, (_, i) => `work-${String(i).padStart(2, '0')}`);

  /** Commands that Redis executed, those that scripts call among them. */
  async function commands(): Promise<number> {
    const stats = await bench.client.info('commandstats');
    return [...stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].reduce(
      (sum, [, , calls]) => sum + Number(calls),
      0,
    );
  }

  it('costs Redis at most a fifth of the commands of the app', async () => {
    const { backfills } = await bench.start({ handlers: names.map(work), options: { ledger: false } });
    // Running, held, paused, ended; the others are idle.
    for (const name of names.slice(0, 20)) await backfills.start(name);
    for (const name of names.slice(0, 4)) await backfills.configure(name, rate(1));
    for (const name of names.slice(8, 20)) await backfills.pause(name);
    for (const name of names.slice(14, 20)) await backfills.cancel(name);
    await eventually(
      'work',
      () => backfills.list(),
      (statuses) => statuses.slice(0, 4).every(({ rowsPerSecond }) => rowsPerSecond > 0),
    );
    const during = async (poll: () => Promise<void>) => {
      const before = await commands();
      const end = Date.now() + WINDOW_MS;
      while (Date.now() < end) {
        await Promise.all([poll(), pause(1_000)]);
      }
      return (await commands()) - before;
    };
    let { revision } = await backfills.overview();
    const polled = await during(async () => {
      ({ revision } = await backfills.overview(revision));
    });
    const without = await during(async () => undefined);
    expect(polled / without).toBeLessThan(1.2);
  });
});
