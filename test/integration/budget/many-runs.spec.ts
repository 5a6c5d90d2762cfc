import { setTimeout as sleep } from 'node:timers/promises';
import { resolveBudget } from '../../../lib/config/backfill-budget.js';
import { RunBudget } from '../../../lib/pacing/budget/run.budget.js';
import { BackfillKeys } from '../../../lib/redis/backfill-keys.js';
import { RedisConnections } from '../../../lib/redis/redis-connections.js';
import { scripts } from '../../../lib/redis/scripts/bindings.js';
import { RangeStore } from '../../../lib/state/range.store.js';
import { BackfillWatchdog } from '../../../lib/supervision/backfill.watchdog.js';
import { createAppBench, defineBackfill, numbers } from '../../support/apps/index.js';
import { sized } from '../../support/thorough.js';

const PER_SECOND = 100;
const PROCESSES = 4;
/** Of ten runs. */
const WEIGHTS = [1, 1, 1, 1, 1, 2, 2, 3, 4, 4];
const TOTAL = WEIGHTS.reduce((sum, weight) => sum + weight, 0);
const RANGES = sized(1_000, 4_000);

const bench = await createAppBench();

/** Most in any one second of the clock of Redis. */
function busiestSecond(starts: readonly number[]): number {
  const sorted = starts.toSorted((a, b) => a - b);
  let from = 0;
  return sorted.reduce((most, at, i) => {
    while (at - (sorted[from] ?? at) >= 1e6) {
      from++;
    }
    return Math.max(most, i - from + 1);
  }, 0);
}

describe('ten runs of four processes under a budget', () => {
  it('start no more than it allows in any second, by their weights, and none starves', async () => {
    const names = WEIGHTS.map((_, i) => `run-${i}`);
    const handlers = names.map((name) => {
      return defineBackfill({ name, source: numbers(1), processRange: () => undefined });
    });
    const { app, backfills } = await bench.start({ handlers, options: { workers: false } });
    // It would apply the rate of the config again.
    await app.get(BackfillWatchdog, { strict: false }).close();
    const rangeStore = app.get(RangeStore, { strict: false });
    const { client } = app.get(RedisConnections, { strict: false });
    const keys = app.get(BackfillKeys, { strict: false });
    const limits = resolveBudget({ rangesPerSecond: PER_SECOND });
    const started: { run: number; at: number }[] = [];
    const abort = new AbortController();

    const work = async (run: number, runId: string, processId: string, next: () => number) => {
      const of = { runId, processId, weight: WEIGHTS[run] ?? 1, table: '', leaseMs: 30_000 };
      const used = new RunBudget(of, { limits, context: 'default' });
      while (!abort.signal.aborted) {
        const index = next();
        for (let granted = false; !granted && !abort.signal.aborted;) {
          const budget = used.claim();
          const scope = { runId, context: 'default', table: '' };
          const args = [250_000, 0, index, budget?.text ?? '', 'warn|'];
          const [evaluated, time] =
            (await client
              .multi()
              .eval(...scripts.claim.evalArguments(keys, scope, args))
              .time()
              .exec()) ?? [];
          const [status, detail, answer] = (evaluated?.[1] ?? []) as [string, string, string?];
          const [seconds, micros] = (time?.[1] ?? []) as [string, string];
          granted = status === 'granted' && answer !== undefined;
          const waitMicros = Number.parseInt(answer ?? '0', 10);
          if (granted) {
            started.push({ run, at: Number(seconds) * 1e6 + Number(micros) + waitMicros });
            used.acquire(1);
          }
          await sleep(granted ? waitMicros / 1000 : Number.parseInt(detail, 10));
        }
        used.release(1);
      }
    };
    const workers: Promise<void>[] = [];
    for (const [run, name] of names.entries()) {
      const { runId } = await backfills.start(name, {
        config: { perSecondOnPeak: null, perSecondOffPeak: null },
      });
      await rangeStore.reserve(
        { runId, backfill: { version: null, onOtherVersion: 'warn' } },
        {
          seq: 0,
          partition: '',
          from: null,
          cursor: null,
          ranges: Array.from({ length: RANGES }, (_, i) => ({ data: i, rows: 1 })),
          exhausted: true,
          partitionsDone: [''],
          rangesPerJob: 1,
        },
      );
      let at = 0;
      const next = () => at++;
      for (let i = 0; i < 2 * PROCESSES; i++) {
        workers.push(work(run, runId, `process-${i % PROCESSES}`, next));
      }
    }
    while (started.length < RANGES) {
      await sleep(50);
    }
    abort.abort();
    await Promise.all(workers);

    const allowed = Math.max(PER_SECOND + 1, Math.floor(1.02 * PER_SECOND));
    expect(busiestSecond(started.map(({ at }) => at))).toBeLessThanOrEqual(allowed);
    // The runs began one after another.
    const shared = started.toSorted((a, b) => a.at - b.at).slice(RANGES / 5);
    for (const [run, weight] of WEIGHTS.entries()) {
      const due = (shared.length * weight) / TOTAL;
      const off = Math.abs(shared.filter((each) => each.run === run).length - due);
      // A process that stands still for long asks for nothing.
      expect(off).toBeLessThanOrEqual(Math.max(0.05 * due, 10));
    }
  });
});
