import { AppFleet } from '../app-fleet.js';
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
    const fleets: { readonly processes: number; readonly fleet: AppFleet; readonly rates: number[] }[] = [];
    const rows = arena.size(8_000, 400);
    for (const processes of [1, 2, 4]) {
      const plan = { config: CONFIG, ranges: rows * processes };
      fleets.push({ processes, fleet: await AppFleet.start(arena, processes, plan), rates: [] });
    }
    for (const { fleet } of fleets) {
      // What a process compiles at its first run is not what this is about.
      await fleet.operator.call('run', 'wait');
    }
    for (let round = 0; round < arena.size(3, 1); round++) {
      for (const { processes, fleet, rates } of fleets) {
        const ms = await fleet.operator.call<number>('run', 'wait');
        rates.push((rows * processes * 1000) / ms);
      }
    }
    await Promise.all(fleets.map(({ fleet }) => fleet.stop()));
    const alone = fleets[0]?.rates ?? [];
    return fleets.map(({ processes, rates }) => {
      const ratios = rates.map((rate, round) => rate / ((alone[round] ?? 0) * processes));
      const ratio = median(ratios);
      return {
        name: `scale, ${processes} ${processes === 1 ? 'process' : 'processes'}`,
        ours: median(rates),
        other: median(alone) * processes,
        unit: 'rows/s',
        ratio,
        target: `>= ${WANTED} of linear`,
        met: ratio >= WANTED,
        spread: spread(ratios),
        note: `${WAIT_MS} ms a row, ${CONFIG.concurrency * CONFIG.rowConcurrency} rows at once in a process`,
      };
    });
  },
};
