import { decodeLoweredRate } from '../pacing/shared.quota.js';
import type { LoweredRate } from '../pacing/shared.quota.js';
import { toHash } from '../redis/flat-hash.js';
import type { BackfillReply, ReadBackfill } from '../redis/scripts/bindings.js';
import { LastDecoded } from '../state/last-decoded.js';
import { decodeSamples } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';

type Hash = Readonly<Record<string, string>>;

/** What changes while a run is running, as Redis stores it. */
export interface RunningFacts {
  /** Why some of it cannot be read; `null` where all can. */
  readonly error: string | null;
  /** Of the active run, else of the newest one; `null` before the first. */
  readonly runId: string | null;
  /** The hash of the run; `null` where it is gone. */
  readonly run: Hash | null;
  /** Of a running run, newest first. */
  readonly samples: readonly BackfillSample[];
  /** Epoch ms of the last heartbeat of each process that has workers, by its id. */
  readonly heartbeats: Hash;
}

/** What Redis stores of a backfill that its status needs. */
export interface BackfillFacts extends RunningFacts {
  /** `null` where it cannot be read. */
  readonly config: Hash | null;
  /** What a third party has lowered the rate of calls to; `null` for nothing. */
  readonly lowered: LoweredRate | null;
  /** How many times each throttle failed. */
  readonly throttleErrors: Hash;
  /** JSON of each override of a throttle, also of those that have ended. */
  readonly overrides: readonly string[];
}

const NOTHING: BackfillFacts = Object.freeze({
  error: null,
  runId: null,
  run: null,
  samples: Object.freeze([]),
  heartbeats: Object.freeze({}),
  config: Object.freeze({}),
  lowered: null,
  throttleErrors: Object.freeze({}),
  overrides: Object.freeze([]),
});

/** Decodes what `overview.lua` reads. A run or samples that are as they were at the last read are the same objects again. */
export class FactsDecoder {
  private readonly runs = new LastDecoded<Hash | null>();
  private readonly samples = new LastDecoded<readonly BackfillSample[]>();

  /** What was read of a backfill; without what only changes with an event, unless it was read in full. */
  decode(reply: BackfillReply): BackfillFacts | RunningFacts {
    return reply.length === 1 ? NOTHING : this.decodeRead(reply);
  }

  private decodeRead([
    name,
    full,
    error,
    runId,
    runJson,
    samplesJson,
    heartbeats,
    config,
    quota,
    throttleErrors,
    overrides,
  ]: ReadBackfill): BackfillFacts | RunningFacts {
    const running = {
      error: error || null,
      runId: runId || null,
      run: this.runs.of(name, runJson, decodeRun),
      samples: this.samples.of(name, samplesJson, decodeSamples),
      heartbeats: toHash(heartbeats),
    };
    return full === 0
      ? running
      : {
          ...running,
          config: typeof config === 'string' ? null : toHash(config),
          lowered: decodeLoweredRate(quota),
          throttleErrors: toHash(throttleErrors),
          overrides,
        };
  }
}

function decodeRun(json: string): Hash | null {
  const run = JSON.parse(json) as string[];
  return run.length === 0 ? null : toHash(run);
}

/** Whether all was read. */
export function isComplete(facts: BackfillFacts | RunningFacts): facts is BackfillFacts {
  return 'config' in facts;
}
