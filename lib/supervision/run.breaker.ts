import { Injectable, Inject } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { classifyError, mayConcernRow } from '../database/classify-error.js';
import { countOf } from '../errors/count-of.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { isOutOfMemory } from '../redis/redis-memory.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { RunStore } from '../state/run.store.js';
import { toStoredError } from '../state/stored-error.js';
import { allowedFailures } from './allowed-failures.js';

/** Begins the reason of the rate of a run that is held by an outage of the database. */
export const DATABASE_UNREACHABLE = 'the database is unreachable';
/** By whom a run is paused that the library pauses. */
export const LIBRARY = 'nestjs-backfill';

const PROBE_MS = 1_000;
const FIRST_HOLD_MS = 1_000;
const MAX_HOLD_MS = 30_000;
/** After this long without another outage, the backoff starts again. */
const OUTAGE_RESET_MS = 60_000;

/** Circuit breaker of a run: holds it for a time or pauses it, with the reason, where going on would only fail. */
@Injectable()
export class RunBreaker {
  private readonly logger = new BackfillLogger();
  private readonly outages = new Map<string, { count: number; at: number }>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly runs: RunStore,
  ) {}

  /**
   * Pauses a run on behalf of the library.
   *
   * @param resumes pauses it only while it has been resumed so many times
   */
  async pause(
    backfill: string,
    runId: string,
    reason: string,
    error?: unknown,
    resumes?: number,
  ): Promise<void> {
    if (error !== undefined && !isOutOfMemory(error)) {
      await this.runs.setFields(runId, { lastError: storable(error) });
    }
    const answer = await this.runs.move(runId, 'pause', reason, { reason, by: LIBRARY }, { resumes });
    if (answer.kind === 'moved') {
      this.logger.write('error', { backfill, runId, reason }, `paused: ${reason}`);
    }
  }

  /** Pauses a run where the error is an OOM of Redis and Redis still rejects writes; returns whether it did. */
  async pauseIfOutOfMemory(backfill: string, runId: string, error: unknown): Promise<boolean> {
    if (!isOutOfMemory(error) || (await this.acceptsWrites())) {
      return false;
    }
    await this.pause(
      backfill,
      runId,
      'Redis is out of memory (maxmemory is reached). Raise maxmemory, then resume',
      error,
    );
    return true;
  }

  /** The error may date from before memory was added and the run resumed. */
  private async acceptsWrites(): Promise<boolean> {
    try {
      await this.client.set(this.keys.probe, '', 'PX', PROBE_MS);
      return true;
    } catch (error) {
      if (isOutOfMemory(error)) {
        return false;
      }
      throw error;
    }
  }

  /**
   * Holds or pauses the run where an error concerns more than its range, and answers whether it does. After an error
   * that one row may have caused, a run of which something has succeeded since it was started, resumed or configured
   * goes on: other ranges can succeed.
   *
   * @param resumes how many times the run had been resumed when the range was claimed: an error from before a resume
   * does not pause the run again
   */
  async escalate(backfill: string, runId: string, error: unknown, resumes: number): Promise<boolean> {
    const verdict = classifyError(error);
    const text = error instanceof Error ? error.message : String(error);
    switch (verdict.kind) {
      case 'wait':
        await this.hold(backfill, runId, verdict.ms, 'held by the third party', error);
        return true;
      case 'unreachable':
        await this.hold(backfill, runId, this.outageMs(runId), DATABASE_UNREACHABLE, error);
        return true;
      case 'fatal':
        if (mayConcernRow(error) && (await this.runs.hasSucceeded(runId))) {
          return false;
        }
        await this.pause(backfill, runId, `no range can succeed: ${text}`, error, resumes);
        return true;
      default:
        return false;
    }
  }

  /** Pauses a run whose failures exceed `maxFailures`. */
  async checkFailures(backfill: string, runId: string, { maxFailures }: BackfillConfig): Promise<void> {
    if (maxFailures === null) {
      return;
    }
    const run = await this.runs.read(runId);
    if (run?.status !== 'running') {
      return;
    }
    const failures = await this.runs.failures(runId);
    const allowed = allowedFailures(maxFailures, run.rowsDone + run.rowsFailed);
    if (failures > allowed) {
      const limit =
        typeof maxFailures === 'string' ? `${maxFailures}: ${allowed} allowed so far` : maxFailures;
      await this.pause(
        backfill,
        runId,
        `${failures} ${failures === 1 ? 'failure exceeds' : 'failures exceed'} maxFailures (${limit})`,
      );
    }
  }

  /**
   * Pauses a run in which nothing has succeeded: its handler fails every range.
   *
   * @param ranges that have failed their first attempt
   * @param error the last one
   * @param resumes how many times the run had been resumed when the range was claimed
   */
  async pauseUnlessSucceeded(
    backfill: string,
    runId: string,
    ranges: number,
    error: unknown,
    resumes: number,
  ): Promise<void> {
    if (await this.runs.hasSucceeded(runId)) {
      return;
    }
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const reason = `nothing has succeeded, and the first attempts of ${countOf(ranges, 'range')} failed: ${text}`;
    await this.pause(backfill, runId, reason, error, resumes);
  }

  private async hold(
    backfill: string,
    runId: string,
    ms: number,
    reason: string,
    error: unknown,
  ): Promise<void> {
    const until = await scripts.hold.run(this.client, this.keys, { runId }, [
      Math.ceil(ms),
      reason,
      storable(error),
    ]);
    if (until === null) {
      return;
    }
    const end = new Date(until).toISOString();
    const scope = { backfill, runId, reason, until: end, error: String(error) };
    this.logger.limit('held', 'warn', scope, `${reason}, until ${end}: ${String(error)}`);
  }

  /** Exponential backoff over consecutive outages. */
  private outageMs(runId: string): number {
    const now = performance.now();
    const last = this.outages.get(runId);
    const backoff = (count: number) => Math.min(FIRST_HOLD_MS * 2 ** count, MAX_HOLD_MS);
    if (last && now - last.at < backoff(last.count)) {
      // Another range of this process met the same outage: it counts once.
      return backoff(last.count);
    }
    const count = last && now - last.at < OUTAGE_RESET_MS ? last.count + 1 : 0;
    this.outages.set(runId, { count, at: now });
    return backoff(count);
  }
}

function storable(error: unknown): string {
  return JSON.stringify({ ...toStoredError(error), at: new Date().toISOString() });
}
