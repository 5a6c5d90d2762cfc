import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { Escalate } from './execution.js';

/** What a worker tells of. */
export interface RunWorkerEvents {
  /** So little is outstanding that the next cycle should come at once. */
  readonly low: () => void;
  readonly escalate: Escalate;
  /** Failures were quarantined: are there too many? */
  readonly quarantined: () => Promise<void>;
  readonly error: (error: Error) => void;
}

/** The run a worker serves. */
export interface ServedRun {
  readonly backfill: RegisteredBackfill;
  readonly runId: string;
  readonly dryRun: boolean;
}
