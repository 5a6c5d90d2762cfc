import type { Benchmark, Finding } from '../benchmark.js';
import { measure } from '../measure.js';
import { takeTurns } from '../rounds.js';
import { changesOf, type Change } from './changes.js';
import type { EarlierBuild } from './earlier-build.js';

/** Runs a benchmark with two builds in turn, the earlier one first: A B B A and so on. */
export async function compare(
  benchmark: Benchmark,
  { label, folder }: EarlierBuild,
  rounds: number,
  smoke: boolean,
): Promise<Change[]> {
  const turn = async (of: string, build?: URL): Promise<Finding[]> => {
    try {
      const { findings, took } = await measure(benchmark, smoke, build);
      console.log(`  ${benchmark.name} with ${of}: ${took}`);
      return findings;
    } catch (error) {
      console.error(`  ${benchmark.name} with ${of}: does not work`);
      throw error;
    }
  };
  console.log();
  return changesOf(
    await takeTurns(
      rounds,
      () => turn(label, folder),
      () => turn('this build'),
    ),
  );
}
