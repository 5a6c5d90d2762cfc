export { BackfillHarness } from './backfill.harness.js';
export type { HarnessOptions, HarnessResult, HarnessRunOptions } from './backfill.harness.js';
export { backfillContext, backfillFailure } from './builders.js';
export { FakeClock } from './fake.clock.js';
