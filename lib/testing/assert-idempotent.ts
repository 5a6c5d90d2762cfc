import { AssertionError } from 'node:assert';
import { deepStrictEqual } from 'node:assert/strict';
import type { HarnessResult } from './harness-options.js';

const MAX_CHECKPOINTS = 10_000;

/** Runs of a backfill that can be crashed. */
export interface CrashableRuns {
  runAll(): Promise<HarnessResult>;
  crashAfter(checkpoints: number): Promise<HarnessResult>;
}

/** The state of the tables that the runs begin with and are compared by. */
export interface ComparedState {
  restore(): Promise<void>;
  read(): Promise<unknown>;
  /** Whether a run has to handle rows: otherwise nothing is compared, because the test has seeded none. */
  readonly needsRows: boolean;
}

/**
 * Asserts that a crash at any checkpoint and a further run leave the state of one run.
 *
 * @returns the number of checkpoints
 */
export async function assertIdempotent(runs: CrashableRuns, state: ComparedState): Promise<number> {
  await state.restore();
  const { handled } = await runs.runAll();
  if (state.needsRows && handled === 0) {
    throw new AssertionError({
      message: 'Expected rows to be handled, got none. Seed rows that the source selects first.',
    });
  }
  const expected = await state.read();
  for (let checkpoint = 1; checkpoint <= MAX_CHECKPOINTS; checkpoint++) {
    await state.restore();
    const crash = await runs.crashAfter(checkpoint);
    if (crash.state !== 'crashed') {
      return checkpoint - 1;
    }
    await runs.runAll();
    deepStrictEqual(
      await state.read(),
      expected,
      `A crash after checkpoint ${checkpoint} and a second run left a different state than one run.`,
    );
  }
  throw new RangeError(`Expected at most ${MAX_CHECKPOINTS} checkpoints, got more. Use fewer rows.`);
}
