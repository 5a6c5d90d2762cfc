import type { Finding } from '../benchmark.js';
import { median } from '../statistics.js';

/** What one round found with each build. */
export type Round = readonly [earlier: readonly Finding[], current: readonly Finding[]];

/** How a finding differs between two builds; figures are medians of the rounds. */
export interface Change {
  readonly name: string;
  readonly unit: string;
  readonly earlier: number;
  readonly current: number;
  /** Current to earlier, in each round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
  /** Which is better; `null` where the target names a value to be near to, or none. */
  readonly better: 'more' | 'less' | null;
  /** Rounds in which the current build was worse. */
  readonly worse: number | null;
}

/** Pairs the findings of the two builds by name, round by round; a finding that only one build has is left out. */
export function changesOf(rounds: readonly Round[]): Change[] {
  const findings = new Map(rounds.flatMap(([earlier]) => earlier.map((finding) => [finding.name, finding])));
  return [...findings.values()].flatMap((finding) => {
    const pairs = rounds.flatMap(([earlier, current]) => {
      const [before, after] = [earlier, current].map((side) =>
        side.find(({ name }) => name === finding.name),
      );
      return before && after ? [[before.ours, after.ours] as const] : [];
    });
    return pairs.length === 0 ? [] : [changeOf(finding, pairs)];
  });
}

function changeOf(
  { name, unit, target }: Finding,
  pairs: readonly (readonly [before: number, after: number])[],
): Change {
  const ratios = pairs.map(([before, after]) => (before === after ? 1 : after / before));
  const better = betterOf(target);
  return {
    name,
    unit,
    earlier: median(pairs.map(([before]) => before)),
    current: median(pairs.map(([, after]) => after)),
    ratios,
    ratio: median(ratios),
    better,
    worse: better && ratios.filter((ratio) => (better === 'more' ? ratio < 1 : ratio > 1)).length,
  };
}

function betterOf(target: string): Change['better'] {
  if (target.startsWith('>=')) {
    return 'more';
  }
  return /^(?:p99 )?<=/.test(target) ? 'less' : null;
}
