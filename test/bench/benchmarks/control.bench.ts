import { setTimeout as sleep } from 'node:timers/promises';
import { AppFleet } from '../app-fleet.js';
import { epochMs } from '../epoch-ms.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { paceName } from '../handlers.js';
import { median, quantile, spread } from '../statistics.js';

const FAST = 1_000;
const SLOW = 200;
const NAME = paceName(FAST);
/** A rate is in force from where a stretch of this length has as many starts as it should. */
const STRETCH_MS = 200;
const NEAR = 0.12;

/** How soon all processes follow what an operator does while 1,000 ranges a second start. */
export const control: Benchmark = {
  name: 'control',
  beside: 'nothing; from the call in one process to the last or first start in any',
  async run(arena) {
    const fleet = await AppFleet.start(arena, 2, { config: { duration: 10, concurrency: 20 } });
    const { operator } = fleet;
    await operator.call('start', NAME);
    await fleet.joined(NAME);
    await sleep(arena.size(2_000, 500));
    const rounds = arena.size(20, 2);
    const pauses: number[] = [];
    const resumes: number[] = [];
    const changes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await fleet.starts(NAME);
      const paused = epochMs();
      await operator.call('pause', NAME);
      await sleep(400);
      pauses.push(Math.max(0, ((await fleet.starts(NAME)).at(-1) ?? paused) - paused));
      const resumed = epochMs();
      await operator.call('resume', NAME);
      await sleep(600);
      resumes.push(((await fleet.starts(NAME))[0] ?? Infinity) - resumed);
      for (const rate of [SLOW, FAST]) {
        const changed = epochMs();
        await operator.call('configure', NAME, { perSecondOnPeak: rate, perSecondOffPeak: rate });
        await sleep(900);
        changes.push(inForceAfter(await fleet.starts(NAME), changed, rate));
      }
    }
    await fleet.stop();
    return [
      finding('control, pause to last start', pauses, 250),
      finding('control, configure to new rate', changes, 500),
      { ...finding('control, resume to first start', resumes, Infinity), target: 'none: to know', met: true },
    ];
  },
};

/** Ms from a change to the first stretch that has as many starts as the rate asks for. */
function inForceAfter(starts: readonly number[], changed: number, rate: number): number {
  const expected = (rate * STRETCH_MS) / 1000;
  const last = starts.at(-1) ?? changed;
  for (let from = changed; from + STRETCH_MS <= last; from += 5) {
    const count = starts.filter((at) => at >= from && at < from + STRETCH_MS).length;
    if (Math.abs(count - expected) <= Math.max(1, expected * NEAR)) {
      return from - changed;
    }
  }
  return Infinity;
}

function finding(name: string, values: readonly number[], most: number): Finding {
  const p99 = quantile(values, 0.99);
  return {
    name,
    ours: p99,
    other: null,
    unit: 'ms (p99)',
    ratio: most === Infinity ? null : p99 / most,
    target: `p99 <= ${most} ms`,
    met: p99 <= most,
    spread: spread(values),
    note: `median ${median(values).toFixed(0)} ms, ${values.length} times`,
  };
}
