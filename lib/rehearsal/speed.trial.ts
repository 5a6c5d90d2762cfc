import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfig } from '../config/backfill-config.js';
import { boundsOf } from '../config/concurrency-setting.js';
import type { EntityManagers } from '../database/entity-managers.js';
import type { MeasuredSpeed } from '../forecast/measurement.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { RunJournal } from '../journal/run-journal.js';
import { UNLIMITED_ROWS } from '../processing/execution.js';
import { RangeExecutor } from '../processing/range.executor.js';
import type { RangeEntry } from '../state/range-entry.js';
import { limitTransaction } from './limit-transaction.js';
import { combinedBatch, distinctBatches } from './trial-batches.js';
import type { HandledBatch } from './trial-batches.js';

/** CPU time after which the code is compiled, and how long that is waited for at most. */
const WARM_UP_CPU_MS = 1_000;
const WARM_UP_MS = 3_000;
const AT_ONCE_MS = 1_000;
const ALONE_MS = 600;
/** Batches that are timed at least, whatever they take. */
const LEAST = 4;

/** What a trial works with. */
export interface TrialDeps {
  readonly backfill: RegisteredBackfill;
  readonly managers: Pick<EntityManagers, 'fork'>;
  /** Absent: the backfill has no `undo`. */
  readonly journal?: RunJournal | undefined;
  readonly config: Pick<BackfillConfig, 'batchSize' | 'concurrency'>;
  /** Ends it, without a result. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** A batch of the trial is not handled as a whole, or asks for a call to a third party. */
class TrialEndedError extends Error {}

interface TimedEntry {
  readonly entry: RangeEntry;
  readonly ms: number;
}

/**
 * Handles batches again and again, each in a transaction that is rolled back, to measure how fast one process is. Batches
 * at once have no rows in common, so that none waits for the locks of another.
 */
export class SpeedTrial {
  private readonly executor: RangeExecutor;

  constructor(private readonly deps: TrialDeps) {
    this.executor = new RangeExecutor(deps.managers);
  }

  /**
   * @param larger a batch of more rows; `null`: there is none but all of the rows by their keys
   * @returns `null` where there is no batch, one fails, or the time is over before enough are timed
   */
  async measure(handled: readonly HandledBatch[], larger: RangeEntry | null): Promise<MeasuredSpeed | null> {
    const { backfill, config } = this.deps;
    const distinct = distinctBatches(handled);
    const batches = distinct.map(({ entry }) => entry);
    const atOnce = Math.min(boundsOf(config.concurrency).min, batches.length);
    if (atOnce === 0) {
      return null;
    }
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0) / batches.length;
    const further = larger ?? (rows < config.batchSize ? combinedBatch(backfill, distinct) : null);
    const lanes = Array.from({ length: atOnce }, (_, lane) =>
      batches.filter((_batch, at) => at % atOnce === lane),
    );
    try {
      const warm = cpuClock();
      await this.time(lanes, (ms) => ms >= WARM_UP_MS || warm() >= WARM_UP_CPU_MS);
      const cpu = cpuClock();
      const timed = (await this.time(lanes, (ms) => ms >= AT_ONCE_MS)).map(({ ms }) => ms);
      const cpuMs = cpu() / timed.length;
      // In turn, so that other load slows both down.
      const both = batches.flatMap((batch) => (further ? [batch, further] : [batch]));
      const alone = await this.time([both], (ms) => ms >= ALONE_MS);
      const [small, large] = [
        alone.filter(({ entry }) => entry !== further),
        alone.filter(({ entry }) => entry === further),
      ];
      const sizes = [
        { rows, ms: meanOf(small) },
        ...(further ? [{ rows: further.rows, ms: meanOf(large) }] : []),
      ];
      return { atOnce, rows, ms: timed, cpuMs, alone: sizes };
    } catch (error) {
      if (error instanceof TrialEndedError) {
        return null;
      }
      throw error;
    }
  }

  /** Handles the batches of each lane in turn, until it is over, and at least a few in each. */
  private async time(
    lanes: readonly (readonly RangeEntry[])[],
    isOver: (ms: number) => boolean,
  ): Promise<TimedEntry[]> {
    const timed: TimedEntry[] = [];
    const startedAt = performance.now();
    const ended = await Promise.allSettled(
      lanes.map(async (lane) => {
        for (let done = 0; done < LEAST || !isOver(performance.now() - startedAt); done++) {
          const entry = lane[done % lane.length] as RangeEntry;
          const from = performance.now();
          await this.handle(entry);
          timed.push({ entry, ms: performance.now() - from });
        }
      }),
    );
    const failed = ended.find((result) => result.status === 'rejected');
    if (failed) {
      throw failed.reason;
    }
    return timed;
  }

  private async handle(entry: RangeEntry): Promise<void> {
    const { backfill, journal, signal, timeoutMs } = this.deps;
    if (signal.aborted) {
      throw new TrialEndedError();
    }
    const outcome = await this.executor.execute({
      backfill,
      runId: 'rehearsal',
      dryRun: true,
      guardsDryRun: true,
      journal,
      entry,
      observer: {
        begun: (em: EntityManager) => limitTransaction(em, timeoutMs),
        handled: () => Promise.resolve(),
      },
      // The handler may call a third party for rows that no batch before had: that is not to be repeated.
      rows: { ...UNLIMITED_ROWS, acquireQuota: () => Promise.reject(new TrialEndedError()) },
      signal,
    });
    if (outcome.kind !== 'done') {
      throw new TrialEndedError();
    }
  }
}

/** CPU time of the process from now on, in ms. */
function cpuClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

function meanOf(timed: readonly TimedEntry[]): number {
  return timed.reduce((sum, { ms }) => sum + ms, 0) / timed.length;
}
