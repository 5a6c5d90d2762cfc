import type { Execution, Outcome } from './execution.js';

/** Measures executions. */
export interface RangeTelemetry {
  /** Runs the work and answers its outcome. */
  around(execution: Execution, work: () => Promise<Outcome>): Promise<Outcome>;
  /** So many rows were acknowledged before the end of the execution, whose outcome does not count them. */
  acknowledged(execution: Execution, rows: number): void;
}

/** For an app that measures nothing. */
export const NO_TELEMETRY: RangeTelemetry = {
  around: (_execution, work) => work(),
  acknowledged: () => {},
};
