import { median, spread } from './statistics.js';

/** What several rounds of two rivals gave: the ratio is the median of the rounds' own, which drift together. */
export interface Comparison {
  readonly ours: number;
  readonly other: number;
  readonly ratio: number;
  readonly spread: number;
}

/**
 * Lets two rivals take turns, after one round each that does not count. Both answer a figure of which more is
 * better.
 */
export async function interleave(
  rounds: number,
  ours: () => Promise<number>,
  other: () => Promise<number>,
): Promise<Comparison> {
  await ours();
  await other();
  const pairs = await takeTurns(rounds, ours, other);
  const ratios = pairs.map(([mine, theirs]) => mine / theirs);
  return {
    ours: median(pairs.map(([mine]) => mine)),
    other: median(pairs.map(([, theirs]) => theirs)),
    ratio: median(ratios),
    spread: spread(ratios),
  };
}

/** What each of two rivals answers in each round; the second one goes first in every second round. */
export async function takeTurns<Answer>(
  rounds: number,
  first: () => Promise<Answer>,
  second: () => Promise<Answer>,
): Promise<[Answer, Answer][]> {
  const pairs: [Answer, Answer][] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const answer = await first();
      pairs.push([answer, await second()]);
    } else {
      const answer = await second();
      pairs.push([await first(), answer]);
    }
  }
  return pairs;
}
