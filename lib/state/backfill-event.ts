import type { JsonValue } from '../sources/backfill-source.js';
import type { CanaryVerdict } from './canary.js';
import type { StallCause } from './stall.js';
import type { ExpectedLateness } from './limiting-factor.js';
import type { StoredError } from './stored-error.js';
import type { VerificationResult } from './verification.js';

/**
 * The types of events:
 *
 * - `started`, `paused`, `resumed`, `cancelled`: an operator or the library changed the status of a run
 * - `planned`: a cycle planned ranges
 * - `rangeCompleted`: progress, at most twice a second for each run
 * - `quarantined`: a range or row used up its attempts
 * - `throttled`: the rate in force changed, or a hold began
 * - `held`: a running run starts nothing any more, because of a throttle, a third party, a rate of 0, an outage of the
 *   database, or as no process has workers for it. Another kind of reason is another `held`
 * - `released`: nothing holds it any more. A pause, a cancellation and the end of the run end a hold as well. Holds that come
 *   and go are one: a run has at most one pair in 30 seconds, and in ten minutes once it has had 50
 * - `stalled`: a run that should progress has done nothing for ten times as long as usual, and nothing holds it. Once a stall
 * - `stallEnded`: something was done again, or something holds the run now. A pause, a cancellation and the end of the run end
 *   a stall as well
 * - `late`: an active run is expected to end after its `finishBy`, or that has passed. Its end was expected so late for 20
 *   seconds; once until `onTime`
 * - `onTime`: a run that was late is expected to end clearly before its `finishBy`, for a minute. Its end and its cancellation
 *   end its lateness as well
 * - `heldAll`, `releasedAll`: all runs are held, or go on. Their `backfill` is `*`; listeners and streams of one backfill get
 *   them, too
 * - `deployed`: all processes that worked on a run were replaced, or the first one with another version of its handler
 *   works on it
 * - `configured`: the config changed
 * - `budgetConfigured`: the budget of all backfills changed; its `backfill` is `*`, and it has no run
 * - `overridden`: a throttle was overridden until a time, or its override was ended
 * - `canaryEnded`: the canary of a run has its verdict; `paused` follows, unless the canary had all rows of the run
 * - `verifying`: a phase of the verification of a run began
 * - `completed`: everything is done; `failed`: everything was tried and failures are left
 *
 * @publicApi
 */
export const BACKFILL_EVENT_TYPES = [
  'started',
  'planned',
  'rangeCompleted',
  'quarantined',
  'throttled',
  'held',
  'released',
  'stalled',
  'stallEnded',
  'late',
  'onTime',
  'heldAll',
  'releasedAll',
  'deployed',
  'paused',
  'resumed',
  'cancelled',
  'configured',
  'budgetConfigured',
  'overridden',
  'canaryEnded',
  'verifying',
  'completed',
  'failed',
] as const;

/**
 * One of `BACKFILL_EVENT_TYPES`.
 *
 * @publicApi
 */
export type BackfillEventType = (typeof BACKFILL_EVENT_TYPES)[number];

/**
 * Who caused an event, and why: `nestjs-backfill` where the library did it by itself.
 *
 * @publicApi
 */
export interface BackfillEventCause {
  readonly by?: string | null;
  readonly reason?: string | null;
}

/**
 * `data` of each type of event.
 *
 * @publicApi
 */
export interface BackfillEventData {
  /**
   * `params`: those of the run, with secrets as `***`; `canary`: where it has one; `undoes`: id of the run that it undoes;
   * `finishBy`: when it should have ended, as epoch ms.
   */
  readonly started: BackfillEventCause & {
    readonly dryRun: boolean;
    readonly undoes?: string;
    readonly params?: JsonValue;
    readonly canary?: { readonly rows: number; readonly maxFailures: number };
    readonly finishBy?: number;
  };
  /** Ranges that the cycle planned, and how many should be outstanding. */
  readonly planned: { readonly ranges: number; readonly target: number };
  /** Ranges done so far, and the index of the latest. */
  readonly rangeCompleted: { readonly done: number; readonly index: number };
  /** The error of the last attempt; `at` is an ISO time. */
  readonly quarantined: StoredError & { readonly at: string };
  /** A hold until an epoch ms, or the rate of the config and the pressure of the throttles from 0 to 1. */
  readonly throttled:
    | { readonly reason: string; readonly until: number }
    | { readonly reason: string; readonly perSecond: number | null; readonly pressure: number | null };
  readonly held: { readonly reason: string };
  /** The reason of the hold; since when it held, and when it ended, as epoch ms. The event itself may come later. */
  readonly released: { readonly reason: string; readonly since: number; readonly ended: number };
  /** Epoch ms since when nothing was done, and what the run waits for. */
  readonly stalled: { readonly since: number; readonly waitingFor: StallCause };
  /** What it waited for; since when nothing was done, and when that ended, as epoch ms. */
  readonly stallEnded: {
    readonly since: number;
    readonly ended: number;
    readonly waitingFor: StallCause;
  };
  /** When it should have ended, as epoch ms, by how much it is expected to end later, and what delays it most. */
  readonly late: ExpectedLateness & { readonly finishBy: number };
  /** When it should have ended, and since when it was late, as epoch ms; when it is expected to end. */
  readonly onTime: { readonly finishBy: number; readonly since: number; readonly eta: string | null };
  /** Since when all runs are held, and until when, as epoch ms; `null`: until they are released. */
  readonly heldAll: BackfillEventCause & {
    readonly reason: string;
    readonly since: number;
    readonly until: number | null;
  };
  /** Why they were held; since when, and when that ended, as epoch ms. */
  readonly releasedAll: BackfillEventCause & {
    readonly held: string;
    readonly since: number;
    readonly ended: number;
  };
  /** Version of the handler before and after, `null` for none, and the processes with workers. */
  readonly deployed: {
    readonly version: string | null;
    readonly from: string | null;
    readonly processes: number;
  };
  /** `recovered`: the run was restored from the ledger as it was, paused. */
  readonly paused: BackfillEventCause & { readonly recovered?: true };
  /**
   * `recovered`: the run was restored from the ledger; `retry`: it had ended, and failures are retried; `adoptVersion`: it
   * goes on with this version of the handler instead of `version`.
   */
  readonly resumed: BackfillEventCause & {
    readonly recovered?: true;
    readonly retry?: true;
    readonly adoptVersion?: string;
    readonly version?: string | null;
  };
  readonly cancelled: BackfillEventCause;
  /** Config values before and after the change. */
  readonly configured: BackfillEventCause & {
    readonly patch: { readonly [key: string]: JsonValue };
    readonly from: { readonly [key: string]: JsonValue };
  };
  /** Limits before and after the change, calls as `callsPerSecond.` and the name; `null`: no limit. */
  readonly budgetConfigured: BackfillEventCause & {
    /** Name of the context whose database it is for. */
    readonly context: string;
    readonly patch: { readonly [key: string]: number | null };
    readonly from: { readonly [key: string]: number | null };
  };
  /** `until`: epoch ms; `null`: the override was ended. */
  readonly overridden: BackfillEventCause & {
    readonly throttle: string;
    readonly factor: number;
    readonly until: number | null;
  };
  /** The verdict. */
  readonly canaryEnded: CanaryVerdict;
  /** What begins, the number of the sweep, and the rows that are left: `null` while they are not counted. */
  readonly verifying: {
    readonly phase: 'count' | 'sweep' | 'sample';
    readonly round: number;
    readonly left: number | null;
  };
  /** Failures that are left; `verified`: what the verification of the run found. */
  readonly completed: { readonly failures: number; readonly verified?: VerificationResult };
  /** Failures that are left, and rows that are missing; `verified`: what the verification of the run found. */
  readonly failed: {
    readonly failures: number;
    readonly rowsMissing?: number;
    readonly verified?: VerificationResult;
  };
}

/**
 * Something that happened to a backfill. Every process receives all events in the same order. `type` says which
 * `data` an event has: `BackfillEvent<'paused'>` is one of that type.
 *
 * @publicApi
 */
export type BackfillEvent<Type extends BackfillEventType = BackfillEventType> = {
  readonly [Each in Type]: BackfillEventFields & {
    readonly type: Each;
    readonly data: BackfillEventData[Each] & { readonly [key: string]: JsonValue };
  };
}[Type];

/**
 * What every event has.
 *
 * @publicApi
 */
export interface BackfillEventFields {
  /** Increases from event to event; an event stream can resume after it. */
  readonly id: string;
  /** `*` where it is about all backfills. */
  readonly backfill: string;
  readonly runId: string | null;
  /** ISO time, by the clock of Redis. */
  readonly at: string;
}
