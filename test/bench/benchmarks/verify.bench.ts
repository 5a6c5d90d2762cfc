import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from 'nestjs-backfill';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark } from '../benchmark.js';
import { median, spread } from '../statistics.js';

const LANES = 4;
const BATCH = 1_000;
const MOST = 0.15;
const POLL_MS = 20;

/** Which share of a run of entities its verification takes, from the end of the walk to that of the run. */
export const verify: Benchmark = {
  name: 'verify',
  beside: 'the whole run, of which its sweeps and its sample are a part',
  async run(arena) {
    const rows = arena.size(600_000, 4_000);
    await fillRows(arena, rows);
    const app = await arena.fork({
      role: 'app',
      keyPrefix: arena.keyPrefix(),
      config: { concurrency: LANES, batchSize: BATCH },
    });
    const rounds: { readonly run: number; readonly verification: number }[] = [];
    for (let round = 0; round < arena.size(3, 1); round++) {
      await fillRows(arena, rows);
      rounds.push(await measureRun(app));
    }
    const shares = rounds.map(({ run, verification }) => verification / run);
    const ratio = median(shares);
    return [
      {
        name: `verify, ${rows.toLocaleString('en-US')} rows`,
        ours: median(rounds.map(({ verification }) => verification)) / 1000,
        other: median(rounds.map(({ run }) => run)) / 1000,
        unit: 's',
        ratio,
        target: `<= ${MOST} of the run`,
        met: ratio <= MOST,
        spread: spread(shares),
      },
    ];
  },
};

/** Starts a run and measures it, and how long it was `verifying`, in ms. */
async function measureRun(app: Awaited<ReturnType<BenchArena['fork']>>) {
  const status = () => app.call<BackfillStatus>('status', 'verified');
  const { runId } = await app.call<{ runId: string }>('start', 'verified');
  const from = performance.now();
  let walked: number | null = null;
  for (;;) {
    const { state, runId: current, verified, stateReason } = await status();
    const now = performance.now();
    if (current === runId && state === 'verifying') {
      walked ??= now;
    }
    if (current === runId && state !== 'running' && state !== 'verifying') {
      if (state !== 'completed' || verified?.left !== 0 || verified.mismatched > 0) {
        throw new Error(
          `Expected a verified run, it was ${state} (${stateReason}): ${JSON.stringify(verified)}`,
        );
      }
      return { run: now - from, verification: now - (walked ?? now) };
    }
    await sleep(POLL_MS);
  }
}
