import { AppFleet } from '../app-fleet.js';
import type { BenchArena } from '../bench-arena.js';
import type { Benchmark } from '../benchmark.js';
import { WAIT_MS } from '../handlers.js';
import { median, spread } from '../statistics.js';

const WANTED = 0.95;
const CONFIG = { concurrency: 4, rowConcurrency: 5 };

/** Rows a second of rows that wait, with more and more processes; the work grows with them. */
export const scale: Benchmark = {
  name: 'scale',
  beside: 'one process, times the number of processes',
  async run(arena) {
    const rounds = arena.size(3, 1);
    const rates = new Map<number, number[]>([1, 2, 4].map((processes) => [processes, []]));
    for (let round = 0; round < rounds; round++) {
      for (const [processes, measured] of rates) {
        measured.push(await rowsPerSecond(arena, processes));
      }
    }
    const one = median(rates.get(1) ?? []);
    return [...rates].map(([processes, measured]) => {
      const ours = median(measured);
      const ratio = ours / (one * processes);
      return {
        name: `scale, ${processes} ${processes === 1 ? 'process' : 'processes'}`,
        ours,
        other: one * processes,
        unit: 'rows/s',
        ratio,
        target: `>= ${WANTED} of linear`,
        met: ratio >= WANTED,
        spread: spread(measured),
        note: `${WAIT_MS} ms a row, ${CONFIG.concurrency * CONFIG.rowConcurrency} rows at once in a process`,
      };
    });
  },
};

async function rowsPerSecond(arena: BenchArena, processes: number): Promise<number> {
  const rows = arena.size(8_000, 400) * processes;
  const fleet = await AppFleet.start(arena, processes, { config: CONFIG, ranges: rows });
  // What a process compiles at its first run is not what this is about.
  await fleet.operator.call('run', 'wait', { from: rows / 8 });
  const ms = await fleet.operator.call<number>('run', 'wait');
  await fleet.stop();
  return (rows * 1000) / ms;
}
