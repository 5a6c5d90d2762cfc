import type { Execution, Outcome } from './execution.js';

/** Measures executions. `around` runs the work and answers its outcome. */
export interface RangeTelemetry {
  around(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome>;
}

/** For an app that measures nothing. */
export const NO_TELEMETRY: RangeTelemetry = { around: (_execution, work) => work() };
