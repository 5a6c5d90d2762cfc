import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { Decision } from './decide-settlement.js';

/** What a worker tells of. */
export interface RunWorkerEvents {
  /** So little is outstanding that the next cycle should come at once. */
  readonly low: () => void;
  /** An error asks for more than this range: a hold, or a pause. */
  readonly escalate: (trouble: Pick<Decision, 'verdict' | 'error'>) => Promise<void>;
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
