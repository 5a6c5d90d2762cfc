import assert from 'node:assert/strict';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const HOUR = 3_600_000;
const PER_SECOND = 50;

export const clockScenarios: Scenario[] = [
  { name: 'clocks of two processes two hours apart', run: (arena) => skewed(arena, HOUR, -HOUR, 0) },
  { name: 'a clock jumps an hour ahead', run: (arena) => skewed(arena, HOUR, 0, 3_000) },
  { name: 'a clock jumps an hour back', run: (arena) => skewed(arena, -HOUR, 0, 3_000) },
];

async function skewed(arena: Arena, first: number, second: number, afterMs: number): Promise<Outcome> {
  await arena.seed({ rows: 1_000, poisonEvery: 250 });
  const fleet = arena.fleet({ handlerMs: 2 });
  const [operator, one, two] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start({ clock: { skewMs: first, afterMs } }),
    fleet.start({ clock: { skewMs: second, afterMs } }),
  ]);
  await operator.call('start', 'touch-rows', {
    config: {
      batchSize: 4,
      perSecondOnPeak: PER_SECOND,
      perSecondOffPeak: PER_SECOND,
      duration: 2,
      rowConcurrency: 4,
      backoffMs: 500,
    },
  });
  const status = await fleet.finished(operator, 'touch-rows', 60_000);
  // Handlers of rows: four begin at once for each range.
  const starts = (await Promise.all([one.starts(), two.starts()])).flat().toSorted((a, b) => a - b);
  const most = mostIn(starts, 1_000);
  const allowed = 4 * (PER_SECOND + 1 + 1);
  assert(most <= allowed * 1.1, `${most} rows began within one second, ${allowed} allowed`);
  return verify(arena, operator, status, { faults: 2, mostTouches: 1 });
}

function mostIn(times: readonly number[], ms: number): number {
  let most = 0;
  for (let from = 0, to = 0; to < times.length; to++) {
    while ((times[to] ?? 0) - (times[from] ?? 0) >= ms) {
      from++;
    }
    most = Math.max(most, to - from + 1);
  }
  return most;
}
