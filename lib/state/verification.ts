import { z } from 'zod';
import type { JsonValue, SourcePartition } from '../sources/backfill-source.js';
import { decodeJson } from './json.js';
import { sampleConfidence } from './sample-confidence.js';
import type { SampleConfidence } from './sample-confidence.js';
import type { RunStatus, StoredRunStatus } from './run-status.js';

/**
 * How far the verification of a run is. Each phase begins once everything of the phase before is done, without failures.
 *
 * - `walk`: the run is not through with its walk
 * - `count`: the rows that match the filter of the source now are counted, page by page
 * - `sweep`: the rows that the count found are processed
 * - `sample`: rows of the walk and the sweeps are read again and verified one by one
 * - `done`: the verification has ended
 */
export type VerificationPhase = 'walk' | 'count' | 'sweep' | 'sample' | 'done';

/** The verification of a run, as its hash stores it. */
export interface Verification {
  /** Most sweeps; 0 where the source cannot be swept. */
  readonly sweeps: number;
  /** The bounds that `start` was given. */
  readonly request: { readonly from?: JsonValue; readonly to?: JsonValue };
  readonly phase: VerificationPhase;
  /** Number of the sweep, from 1; 0 in the walk. */
  readonly round: number;
  /** What `openSweep` returned for the round. */
  readonly partitions: readonly SourcePartition[];
  /** Rows that the count of the round has found so far; `null` before the first. */
  readonly left: number | null;
  /** The count ends here: the round before had as many. `null`: no bound. */
  readonly limit: number | null;
  /** Epoch ms by the clock of Redis: when the round, or the walk, began. */
  readonly since: number;
  /** Ms from the beginning of the round before, or of the walk, to that of the round. */
  readonly elapsed: number;
  /** Rows that were planned in sweeps. */
  readonly swept: number;
  /** Most rows of the sample; 0 or absent: it has none. */
  readonly sample?: number;
  /** Rows of the sample that were read, those that are gone among them: where the next page begins. */
  readonly read?: number;
  /** Rows of the sample that were verified. */
  readonly sampled?: number;
  /** Those of them that are wrong. */
  readonly mismatched?: number;
}

export const verificationSchema = z.lazy(() =>
  z.looseObject({
    sweeps: z.int(),
    phase: z.enum(['walk', 'count', 'sweep', 'sample', 'done']),
    round: z.int(),
    left: z.int().nullable(),
    swept: z.int(),
  }),
);

/** Reads what the run hash stores; `null` where it has none, or one that cannot be read. */
export function parseVerification(text: string | undefined): Verification | null {
  return decodeJson(text, verificationSchema) as Verification | null;
}

/**
 * What the verification of a run has found.
 *
 * @publicApi
 */
export interface VerificationResult {
  /**
   * Rows that matched the filter of the source when they were last counted: 0 once the verification has succeeded. They
   * are counted page by page. `null` before the first count, and where the source cannot be swept.
   */
  readonly left: number | null;
  /** Rows that sweeps processed: inserted, or changed back, after the walk had passed them. */
  readonly swept: number;
  /** Rows of the sample that were read again and verified; those that were deleted since are not among them. */
  readonly sampled: number;
  /** Rows of the sample that are wrong; each is a failure, which `retryFailures` takes. */
  readonly mismatched: number;
  /** What the sample tells of all rows; `null` before it has one row. */
  readonly confidence: SampleConfidence | null;
}

/** What a verification has found, of the fields of a run. */
export function verificationResult(verification: Verification | null): VerificationResult | null {
  if (!verification) {
    return null;
  }
  const { left, swept, sampled = 0, mismatched = 0 } = verification;
  return { left, swept, sampled, mismatched, confidence: sampleConfidence(sampled, mismatched) };
}

/** A verification at the beginning of a run. */
export function newVerification(
  { sweeps, sample }: { readonly sweeps: number; readonly sample: number },
  request: Verification['request'],
  now: number,
): Verification {
  return {
    sweeps,
    sample,
    request,
    phase: 'walk',
    round: 0,
    partitions: [],
    left: null,
    limit: null,
    since: now,
    elapsed: 0,
    swept: 0,
  };
}

/** The status of a run for people: a run that is through with its walk and is `running` is `verifying`. */
export function publicStatus({
  status,
  verification,
}: {
  readonly status: StoredRunStatus;
  readonly verification: Verification | null;
}): RunStatus {
  const inPhase = verification !== null && verification.phase !== 'walk' && verification.phase !== 'done';
  return status === 'running' && inPhase ? 'verifying' : status;
}
