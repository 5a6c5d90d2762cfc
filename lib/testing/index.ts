export { BackfillHarness } from './backfill.harness.js';
export type {
  HarnessOptions,
  HarnessRehearseOptions,
  HarnessResult,
  HarnessRunOptions,
  SeedRows,
} from './harness-options.js';
export { backfillContext, backfillFailure } from './builders.js';
export { FakeClock } from './fake.clock.js';
