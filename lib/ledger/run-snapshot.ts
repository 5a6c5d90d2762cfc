import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { parseRun, VOLATILE_FIELDS } from '../state/run-record.js';
import type { RunRecord } from '../state/run-record.js';

/** A consistent snapshot of a run: its fields, outstanding ranges and failures. */
export interface RunSnapshot {
  /** Epoch microseconds by the clock of Redis. */
  readonly revision: number;
  readonly run: RunRecord;
  /**
   * Fields of the run, as Redis stores them, without those that only matter at this moment, and `sample` with the rows
   * of its sample.
   */
  readonly fields: Readonly<Record<string, string>>;
  /** Entries of the outstanding ranges, as Redis stores them. */
  readonly work: readonly string[];
  readonly failureCount: number;
  /** Failures after the requested sequence, oldest first; not all of them when `more`. */
  readonly failures: readonly SnapshotFailure[];
  readonly more: boolean;
  /** Retried failures: those with this id up to this sequence no longer exist. */
  readonly retried: readonly { readonly failureId: string; readonly through: number }[];
  /** Argument of `forgetRetried` once the ledger has deleted the retried failures. */
  readonly retriedThrough: number;
}

export interface SnapshotFailure {
  readonly sequence: number;
  readonly record: string;
  readonly failureId: string;
}

/** Failures that one snapshot returns at most. */
const MAX_FAILURES = 1000;

/** Reads snapshots of runs from Redis for the ledger. */
@Injectable()
export class RunSnapshots {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Returns `null` where the run is gone. */
  async take(runId: string, failuresAfter: number): Promise<RunSnapshot | null> {
    const answer = await scripts.snapshot.run(this.client, this.keys, { runId }, [
      failuresAfter,
      MAX_FAILURES,
      ...VOLATILE_FIELDS,
    ]);
    if (answer.length === 0) {
      return null;
    }
    const [revision, flat, work, failureCount, failures, retried, sample] = answer;
    const fields = Object.fromEntries(groups(flat, 2)) as Record<string, string>;
    if (sample.length > 0) {
      fields['sample'] = JSON.stringify(groups(sample, 2));
    }
    return {
      revision: Number(revision),
      run: parseRun(fields),
      fields,
      work,
      failureCount,
      failures: groups(failures, 3).map(([sequence = '', record = '', failureId = '']) => ({
        sequence: Number(sequence),
        record,
        failureId,
      })),
      more: failures.length === 3 * MAX_FAILURES,
      retried: groups(retried, 2).map(([member = '']) => {
        const cut = member.indexOf('|');
        return { through: Number(member.slice(0, cut)), failureId: member.slice(cut + 1) };
      }),
      retriedThrough: Number(retried.at(-1) ?? 0),
    };
  }

  /** Deletes the record of retried failures once the ledger has deleted them, too. */
  async forgetRetried(runId: string, through: number): Promise<void> {
    await this.client.zremrangebyscore(this.keys.retried(runId), '-inf', through);
  }
}

function groups(flat: readonly string[], size: number): string[][] {
  return Array.from({ length: flat.length / size }, (_, i) => flat.slice(i * size, (i + 1) * size));
}
