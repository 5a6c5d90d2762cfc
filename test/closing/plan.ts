/** What a process that opens and closes apps is given. */
export interface ClosingPlan {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly shutdownTimeout: number;
}

/** How an app was closed. */
export interface Closing {
  readonly ms: number;
  /** Whether it was closed before it had started, which has to end first. */
  readonly starting: boolean;
  /** What was done to it, for the report. */
  readonly steps: readonly string[];
  /** The last warnings of the app. */
  readonly logs: readonly string[];
}
