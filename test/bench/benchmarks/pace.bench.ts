import { setTimeout as sleep } from 'node:timers/promises';
import { AppFleet } from '../app-fleet.js';
import type { Benchmark, Finding } from '../benchmark.js';
import { PACES, paceName } from '../handlers.js';
import { mostWithin } from '../statistics.js';

const WITHIN = 0.01;
/** A rate is measured from here on: processes have joined by then. */
const SETTLE_MS = 1_500;

/** How near the rate of two processes comes to the configured one, and whether it ever exceeds it. */
export const pace: Benchmark = {
  name: 'pace',
  beside: 'the configured rate',
  async run(arena) {
    const slow = PACES.filter((rate) => rate < 50);
    const groups = [slow, ...PACES.filter((rate) => rate >= 50).map((rate) => [rate])];
    const findings: Finding[] = [];
    for (const rates of groups) {
      const fleet = await AppFleet.start(arena, 2, { config: { duration: 10, concurrency: 20 } });
      for (const rate of rates) {
        await fleet.operator.call('start', paceName(rate));
      }
      await sleep(SETTLE_MS);
      await sleep(rates === slow ? arena.size(45_000, 3_000) : arena.size(20_000, 1_000));
      for (const rate of rates) {
        findings.push(finding(rate, await fleet.starts(paceName(rate))));
      }
      await fleet.stop();
    }
    return findings;
  },
};

function finding(perSecond: number, all: readonly number[]): Finding {
  const most = mostWithin(all, 1_000);
  const allowed = perSecond + Math.max(1, perSecond * 0.02);
  const measured = all.filter((at) => at >= (all[0] ?? 0) + SETTLE_MS);
  const seconds = ((measured.at(-1) ?? 0) - (measured[0] ?? 0)) / 1000;
  const ours = (measured.length - 1) / seconds;
  return {
    name: `pace ${perSecond}/s`,
    ours,
    other: perSecond,
    unit: 'ranges/s',
    ratio: ours / perSecond,
    target: `within 1 %, most in a second <= ${allowed}`,
    met: Math.abs(ours / perSecond - 1) <= WITHIN && most <= allowed,
    spread: null,
    note: `most in a second ${most}, over ${seconds.toFixed(1)} s`,
  };
}
