import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Arena, Outcome, Scenario } from '../scenario.js';
import { verify } from '../verify.js';

const HOUR = 3_600_000;
const PER_SECOND = 50;

export const clockScenarios: Scenario[] = [
  { name: 'clocks of two processes two hours apart', run: (arena) => skewed(arena, HOUR, -HOUR, 0) },
  { name: 'a clock jumps an hour ahead', run: (arena) => skewed(arena, HOUR, 0, 3_000) },
  { name: 'a clock jumps an hour back', run: (arena) => skewed(arena, -HOUR, 0, 3_000) },
  {
    name: 'peak hours begin',
    run: (arena) => across(arena, '2026-11-23T09:00:00Z', { onPeakHourBegin: 9, onPeakHourEnd: 16 }, 40, 10),
  },
  {
    name: 'peak hours end',
    run: (arena) => across(arena, '2026-11-23T17:00:00Z', { onPeakHourBegin: 9, onPeakHourEnd: 16 }, 10, 40),
  },
  {
    name: 'peak hours begin in the hour that the clocks skip',
    run: (arena) => across(arena, '2026-03-29T01:00:00Z', { onPeakHourBegin: 1, onPeakHourEnd: 4 }, 40, 10),
  },
  {
    name: 'the clocks go back to the peak hour that comes twice',
    run: (arena) => across(arena, '2026-10-25T01:00:00Z', { onPeakHourBegin: 1, onPeakHourEnd: 1 }, 10, 10),
  },
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

/** A run goes on while the wall clocks of Lisbon reach the moment at which its rate changes, or does not. */
async function across(
  arena: Arena,
  moment: string,
  hours: { readonly onPeakHourBegin: number; readonly onPeakHourEnd: number },
  before: number,
  after: number,
): Promise<Outcome> {
  await arena.seed({ rows: 2_000 });
  const fleet = arena.fleet({ handlerMs: 1 });
  const [operator, ...workers] = await Promise.all([
    fleet.start({ workers: false }),
    fleet.start(),
    fleet.start(),
  ]);
  const boundary = Math.ceil(Date.now() / 1_000) * 1_000 + 7_000;
  await Promise.all(fleet.children.map((child) => child.setWallClocks(Date.parse(moment) - boundary)));
  const begun = hours.onPeakHourEnd === hours.onPeakHourBegin || before < after;
  await operator.call('start', 'touch', {
    config: {
      ...hours,
      batchSize: 1,
      duration: 30,
      onPeakTimezone: 'Europe/Lisbon',
      onPeakWdayBegin: 0,
      onPeakWdayEnd: 6,
      perSecondOnPeak: begun ? before : after,
      perSecondOffPeak: begun ? (before === after ? 2 * after : after) : before,
    },
  });
  await sleep(boundary + 5_000 - Date.now());
  const starts = (await Promise.all(workers.map((worker) => worker.starts()))).flat();
  const within = (from: number, to: number) =>
    starts.filter((at) => at >= boundary + from && at < boundary + to).length;
  assertNotFaster('before the moment', within(-4_000, 0), 4 * before);
  // A machine that is busy begins late what was due before.
  assertNotFaster('after the moment', within(1_000, 5_000), 4 * after);
  if (after > before) {
    const sped = within(1_000, 5_000);
    assert(sped > 4 * before * 1.2, `${sped} ranges after the moment, no more than before it`);
  }
  await operator.call('configure', 'touch', { perSecondOnPeak: null, perSecondOffPeak: null });
  const status = await fleet.finished(operator, 'touch', 60_000);
  return verify(arena, operator, status, { faults: 1, mostTouches: 1 });
}

/** Never more than the rate allows, but for a range at either end and 2 percent; less where the machine is busy. */
function assertNotFaster(when: string, ranges: number, wanted: number): void {
  const most = wanted * 1.02 + 2;
  assert(ranges > 0 && ranges <= most, `${ranges} ranges ${when}, 1 to ${most} allowed`);
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
