import { setTimeout as sleep } from 'node:timers/promises';
import { AppFleet } from '../app-fleet.js';
import type { Benchmark } from '../benchmark.js';
import { paceName } from '../handlers.js';
import { median, mostWithin, spread } from '../statistics.js';

const RATE = 1_000;
const ALLOWED = 1.02;
const NAME = paceName(RATE);
const PROCESSES = 4;
/** How long a process stands still, in turn. */
const STALLS_MS = [50, 150, 300, 600, 900];
/** From the end of one stall to the begin of the next. */
const BETWEEN_MS = 400;

/** The busiest second of a rate that four processes share, of which one after the other stands still. */
export const stalls: Benchmark = {
  name: 'stalls',
  beside: 'the configured rate',
  apart: true,
  async run(arena) {
    const most: number[] = [];
    const rates: number[] = [];
    const rounds = arena.size(10, 1);
    for (let round = 0; round < rounds; round++) {
      const fleet = await AppFleet.start(arena, PROCESSES, { config: { duration: 10, concurrency: 20 } });
      await fleet.operator.call('start', NAME);
      await fleet.joined(NAME);
      await sleep(arena.size(1_500, 500));
      await fleet.starts(NAME);
      for (let stall = 0; stall < arena.size(2 * STALLS_MS.length, 2); stall++) {
        const app = fleet.apps[stall % PROCESSES];
        const ms = STALLS_MS[stall % STALLS_MS.length] ?? 0;
        // By turns the event loop is blocked, and the process is stopped.
        if (stall % 2 === 0) {
          await app?.call('block', ms, 1);
        } else {
          app?.signal('SIGSTOP');
          await sleep(ms);
          app?.signal('SIGCONT');
        }
        await sleep(BETWEEN_MS);
      }
      const starts = await fleet.starts(NAME);
      most.push(mostWithin(starts, 1_000));
      rates.push(((starts.length - 1) * 1_000) / ((starts.at(-1) ?? 0) - (starts[0] ?? 0)));
      await fleet.stop();
    }
    const worst = Math.max(...most);
    return [
      {
        name: `stalls, most of ${RATE}/s in a second`,
        ours: worst,
        other: RATE,
        unit: 'ranges',
        ratio: worst / RATE,
        target: `<= ${RATE * ALLOWED}`,
        met: worst <= RATE * ALLOWED,
        spread: null,
        note: `in each of ${rounds} runs: ${most.join(', ')}`,
      },
      {
        name: 'stalls, rate',
        ours: median(rates),
        other: RATE,
        unit: 'ranges/s',
        ratio: median(rates) / RATE,
        target: 'none: to know',
        met: true,
        spread: spread(rates),
        note: `of ${PROCESSES} processes one stands still for ${STALLS_MS.join(', ')} ms, ${BETWEEN_MS} ms after another`,
      },
    ];
  },
};
