import { createAppBench } from '../../support/apps/index.js';
import { simulatePace } from '../../support/pacing/pace-simulation.js';
import { sized } from '../../support/thorough.js';

const bench = await createAppBench();

/** Most starts in any one second. */
function busiestSecond(starts: readonly number[]): number {
  let most = 0;
  let from = 0;
  starts.forEach((at, i) => {
    while (at - (starts[from] ?? 0) >= 1000) {
      from++;
    }
    most = Math.max(most, i - from + 1);
  });
  return most;
}

/** Processes that stand still for `fromMs` to `toMs`, about every `everyMs`, each at times of its own. */
function standingStill(fromMs: number, toMs: number, everyMs: number, length: number) {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return seed / 2 ** 32;
  };
  const stalls = [0, 1].map(() => {
    const all: (readonly [begin: number, end: number])[] = [];
    for (let at = random() * everyMs; at < length; at += everyMs * (0.3 + 1.4 * random())) {
      const end = at + fromMs + random() * (toMs - fromMs);
      all.push([at, end]);
      at = end;
    }
    return all;
  });
  return (at: number, process: number) =>
    stalls[process]?.find(([begin, end]) => begin <= at && at < end)?.[1] ?? at;
}

describe('two processes that stand still now and then', () => {
  const length = sized(8_000, 40_000);

  it.each([
    [1000, 20, [20, 60, 700]],
    [1000, 20, [50, 50, 500]],
    [1000, 20, [200, 200, 3000]],
    [1000, 20, [5, 25, 60]],
    [100, 10, [20, 60, 700]],
    [7.5, 1, [50, 50, 500]],
  ] as const)(
    'start no more than one range, or 2 percent, above %d a second in any second: %d workers, stalls of %j',
    async (perSecond, workers, [fromMs, toMs, everyMs]) => {
      const awake = standingStill(fromMs, toMs, everyMs, length);
      const starts = await simulatePace(bench.redis, { perSecond, processes: 2, workers, length, awake });
      expect(busiestSecond(starts)).toBeLessThanOrEqual(
        Math.max(Math.floor(perSecond + 1), perSecond * 1.02),
      );
      const reached = ((starts.length - 1) * 1000) / ((starts.at(-1) ?? 0) - (starts[0] ?? 0));
      expect(reached).toBeGreaterThan(perSecond * 0.95);
    },
  );

  it('reach the rate, as little is left out for them', async () => {
    const awake = standingStill(20, 60, 700, length);
    const starts = await simulatePace(bench.redis, {
      perSecond: 1000,
      processes: 2,
      workers: 20,
      length,
      awake,
    });
    expect(starts.length / (length / 1000)).toBeGreaterThan(985);
  });
});
