import { z } from 'zod';
import { decodeJson } from './json.js';

/**
 * A session of the database that holds a lock. What the role of the app may not see is `null`.
 *
 * @publicApi
 */
export interface BlockingSession {
  readonly pid: number;
  /** `application_name` of PostgreSQL. */
  readonly application: string | null;
  readonly user: string | null;
  /** For example `idle in transaction`. */
  readonly state: string | null;
  /** Milliseconds since its transaction began. */
  readonly forMs: number | null;
  /** Its last statement without values, at most 300 characters. */
  readonly query: string | null;
  /** Sessions that it waits for itself. */
  readonly waitsFor: readonly number[];
}

/**
 * What a stalled run waits for, by its kind. `reason` has it in words, `notes` what could not be looked into, and why.
 *
 * - `lock`: a session of a process with workers waits for a lock. `lock` is its type, such as `row`, `relation` or `advisory`;
 *   `relation` is `null` where the lock is not that of a table
 * - `pool`: work in a process waits for a connection, and its pool has none. `inUse` of `size` connections are in use,
 *   `ofLibrary` of these by runs and not by the app
 * - `handler`: ranges are still in process. `ignoresSignal`: their `context.signal` is aborted
 * - `event-loop`: a process is connected to Redis, and has not reported since `reportedAt`
 * - `unknown`: nothing of that
 *
 * @publicApi
 */
export type StallCause = { readonly reason: string; readonly notes: readonly string[] } & (
  | {
      readonly kind: 'lock';
      readonly details: {
        readonly relation: string | null;
        readonly lock: string;
        readonly mode: string | null;
        /** Of the session that waits. */
        readonly pid: number;
        readonly waitedMs: number;
        /** The statement that waits, without values. */
        readonly query: string | null;
        readonly blockedBy: readonly BlockingSession[];
      };
    }
  | {
      readonly kind: 'pool';
      readonly details: {
        readonly process: string;
        /** `contextName` of MikroORM, `default` where the app gives none. */
        readonly context: string;
        readonly size: number;
        readonly inUse: number;
        readonly ofLibrary: number;
        readonly waiting: number;
        readonly waitedMs: number;
      };
    }
  | {
      readonly kind: 'handler';
      readonly details: {
        readonly process: string;
        readonly ignoresSignal: boolean;
        readonly ranges: readonly {
          readonly index: number;
          /** ISO time. */
          readonly since: string;
          /** ISO time; `null`: its signal is not aborted. */
          readonly abortedAt: string | null;
        }[];
      };
    }
  | {
      readonly kind: 'event-loop';
      readonly details: {
        readonly process: string;
        /** ISO time. */
        readonly reportedAt: string;
        readonly lateMs: number;
      };
    }
  | { readonly kind: 'unknown'; readonly details: Readonly<Record<string, never>> }
);

/**
 * A run that should progress and does not.
 *
 * @publicApi
 */
export interface StallStatus {
  /** ISO time; nothing was done since. */
  readonly since: string;
  readonly waitingFor: StallCause;
}

/** A stall as the run has it in Redis. */
export interface StoredStall {
  /** Epoch ms; nothing was done since. */
  readonly since: number;
  readonly waitingFor: StallCause;
}

const causeSchema = z.lazy(() =>
  z.looseObject({
    kind: z.enum(['lock', 'pool', 'handler', 'event-loop', 'unknown']),
    reason: z.string(),
    notes: z.array(z.string()),
    details: z.looseObject({}),
  }),
);

const storedSchema = z.lazy(() =>
  z.object({
    since: z.number(),
    waitingFor: z.custom<StallCause>((cause) => causeSchema.safeParse(cause).success),
  }),
);

/** `null` where nothing is stored, or nothing that this version can read. */
export function decodeStall(text: string | undefined): StoredStall | null {
  return decodeJson(text, storedSchema);
}
