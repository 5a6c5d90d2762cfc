import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchArena } from '../bench-arena.js';
import { fillRows } from '../bench-tables.js';
import type { Benchmark, Finding } from '../benchmark.js';

const LANES = 4;
const BATCH = 1_000;
const KINDS = ['read', 'update'] as const;

type Latency = Record<(typeof KINDS)[number], number>;

/** What production feels of a backfill with throttles, and of the same work in a plain loop. */
export const foreground: Benchmark = {
  name: 'foreground',
  beside: 'a loop of the same statements, and a quiet database',
  apart: true,
  async run(arena) {
    const rows = arena.size(1_000_000, 20_000);
    const ms = arena.size(15_000, 500);
    await fillRows(arena, rows);
    const traffic = await arena.fork({ role: 'foreground', keyPrefix: '' });
    const measure = () => traffic.call<Latency>('measure', rows, ms);
    await traffic.call('measure', rows, ms / 5);
    const quiet = await measure();
    const backfill = await duringBackfill(arena, rows, measure);
    const loop = await duringLoop(arena, rows, measure);
    return KINDS.flatMap((kind): Finding[] => [
      line(
        `foreground, ${kind}, backfill`,
        backfill.latency[kind],
        quiet[kind],
        `${rate(backfill)} beside it`,
      ),
      line(`foreground, ${kind}, loop`, loop.latency[kind], quiet[kind], `${rate(loop)} beside it`),
      {
        ...line(`foreground, ${kind}, backfill beside loop`, backfill.latency[kind], loop.latency[kind], ''),
        target: '<= the loop',
        met: backfill.latency[kind] <= loop.latency[kind],
      },
    ]);
  },
};

interface Measured {
  readonly latency: Latency;
  readonly rowsPerSecond: number;
}

async function duringBackfill(
  arena: BenchArena,
  rows: number,
  measure: () => Promise<Latency>,
): Promise<Measured> {
  const app = await arena.fork({
    role: 'app',
    keyPrefix: arena.keyPrefix(),
    config: { concurrency: LANES },
    throttled: true,
  });
  const stop = new AbortController();
  let done = 0;
  const from = performance.now();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await app.call('run', 'sql').catch((error: unknown) => {
        if (!stop.signal.aborted) {
          throw error;
        }
      });
      done += stop.signal.aborted ? 0 : rows;
    }
  })();
  // A throttle settles within seconds.
  await sleep(arena.size(10_000, 100));
  const latency = await measure();
  const { state, rowsDone } = await app.call<{ state: string; rowsDone: number }>('status', 'sql');
  const seconds = (performance.now() - from) / 1000;
  stop.abort();
  if (state === 'running') {
    await app.call('cancel', 'sql');
  }
  await running;
  await arena.end(app);
  return { latency, rowsPerSecond: (done + (state === 'running' ? rowsDone : 0)) / seconds };
}

async function duringLoop(
  arena: BenchArena,
  rows: number,
  measure: () => Promise<Latency>,
): Promise<Measured> {
  const hand = await arena.fork({ role: 'statements', keyPrefix: '' });
  await hand.call('begin', rows, BATCH, LANES);
  await sleep(arena.size(5_000, 100));
  const latency = await measure();
  const rowsPerSecond = await hand.call<number>('end');
  await arena.end(hand);
  return { latency, rowsPerSecond };
}

function line(name: string, ours: number, other: number, note: string): Finding {
  const unit = 'ms (p95)';
  return {
    name,
    ours,
    other,
    unit,
    ratio: ours / other,
    target: 'none: to know',
    met: true,
    spread: null,
    note,
  };
}

function rate({ rowsPerSecond }: Measured): string {
  return `${Math.round(rowsPerSecond).toLocaleString('en-US')} rows/s`;
}
