import { median, spread } from './statistics.js';

/** What several rounds of two rivals gave: the ratio is the median of the rounds' own, which drift together. */
export interface Comparison {
  readonly ours: number;
  readonly other: number;
  readonly ratio: number;
  readonly spread: number;
}

/**
 * Lets two rivals take turns, the other one first in every second round, after one round each that does not
 * count. Both answer a figure of which more is better.
 */
export async function interleave(
  rounds: number,
  ours: () => Promise<number>,
  other: () => Promise<number>,
): Promise<Comparison> {
  await ours();
  await other();
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const mine = await ours();
      pairs.push([mine, await other()]);
    } else {
      const theirs = await other();
      pairs.push([await ours(), theirs]);
    }
  }
  const ratios = pairs.map(([mine, theirs]) => mine / theirs);
  return {
    ours: median(pairs.map(([mine]) => mine)),
    other: median(pairs.map(([, theirs]) => theirs)),
    ratio: median(ratios),
    spread: spread(ratios),
  };
}
