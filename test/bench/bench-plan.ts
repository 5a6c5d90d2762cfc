import type { BackfillConfigPatch } from 'nestjs-backfill';

/** What a process of a benchmark is told, in the variable `BENCH`. */
export interface BenchPlan {
  readonly role:
    | 'app'
    | 'registered'
    | 'bare-app'
    | 'queue'
    | 'statements'
    | 'entities'
    | 'rechecked-loop'
    | 'planner'
    | 'schema'
    | 'pool'
    | 'row-pool'
    | 'foreground';
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly keyPrefix: string;
  /** Config of every backfill of an app. */
  readonly config?: BackfillConfigPatch;
  /** Backfills of the app with an HTTP server. */
  readonly registered?: number;
  /** Ranges of the backfills that walk numbers. */
  readonly ranges?: number;
  /** Ms that a range of `held` takes. */
  readonly rangeMs?: number;
  readonly lockDuration?: number;
  readonly workers?: boolean | readonly string[];
  /** Whether the entities of an app are journaled, in tables that have to be there. */
  readonly journaled?: boolean;
  /** Whether an app slows down for the foreground. */
  readonly throttled?: boolean;
  /** What a throttled app follows beside the lag of its event loop; default: a probe of its own. */
  readonly signal?: SignalPlan;
}

/** The latency of the foreground: as a probe of the app measures it, or as a metric at a URL has it. */
export interface SignalPlan {
  readonly url?: string;
  /** At which it begins to throttle, and holds the run: multiples of the latency without load, or by a URL, values of the metric. */
  readonly from: number;
  readonly to: number;
  readonly everyMs: number;
}

/** The methods of a process, by name. */
export type Role = Readonly<Record<string, (...args: never[]) => unknown>>;
