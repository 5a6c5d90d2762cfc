import type { Execution, Outcome } from './execution.js';

/** Looks at every piece of work as it is executed. */
export interface RangeTelemetry {
  around(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome>;
}

/** Where the app measures nothing. */
export const NO_TELEMETRY: RangeTelemetry = { around: (_execution, work) => work() };
