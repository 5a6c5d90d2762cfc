import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { isOutOfMemory } from '../redis/redis-memory.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { RunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { AppIntervals } from './app-intervals.js';
import type { AppInterval } from './app-intervals.js';
import { RunBreaker } from './run.breaker.js';
import { RunSupervisor } from './run.supervisor.js';

const EVERY_MS = 1_000;
/** A little shorter than the interval, so that in each interval one process acquires the lease. */
const LEASE_MS = 900;

/** A run that is running or paused. */
export interface ActiveRun {
  readonly backfill: string;
  readonly runId: string;
  readonly status: RunStatus;
}

/** The active runs at one moment. */
export interface ActiveRuns {
  readonly runs: readonly ActiveRun[];
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** Whether this process supervises the runs in this interval. */
  readonly hasLease: boolean;
}

/** Lists the active runs once a second in every process, and supervises the running ones in one of them. */
@Injectable()
export class BackfillWatchdog {
  private readonly logger = new Logger('Backfill');
  private readonly log = new LogOnce(this.logger);
  private interval: AppInterval | undefined;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
    private readonly runs: RunStore,
    private readonly supervisor: RunSupervisor,
    private readonly breaker: RunBreaker,
  ) {}

  /** @param onTick called once a second with the active runs */
  open(onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): void {
    const name = `nestjs-backfill:watchdog:${this.processId}`;
    this.interval = this.intervals.start(name, EVERY_MS, () => this.tick(onTick));
  }

  async close(): Promise<void> {
    await this.interval?.stop();
  }

  /** Reads the active runs of all backfills, and acquires the lease of this interval unless another process has it. */
  async poll(): Promise<ActiveRuns> {
    const [lease, now, ...fields] = await scripts.tick.run(this.client, this.keys, undefined, [LEASE_MS]);
    const runs = Array.from({ length: fields.length / 3 }, (_, i) => ({
      backfill: fields[3 * i] ?? '',
      runId: fields[3 * i + 1] ?? '',
      status: fields[3 * i + 2] as RunStatus | '',
    }));
    // The status is empty where Redis lost the run but not the list of active runs.
    return { hasLease: lease === 1, now, runs: runs.filter(isPresent) };
  }

  private async tick(onTick: (active: readonly ActiveRun[], now: number) => Promise<void>): Promise<void> {
    try {
      const { hasLease, now, runs } = await this.poll();
      await onTick(runs, now);
      if (hasLease) {
        const running = runs.filter(({ status }) => status === 'running');
        await Promise.all(
          running.map(({ backfill, runId }) => this.supervisor.supervise(backfill, runId, now)),
        );
      }
      this.log.recover();
    } catch (error) {
      await this.pauseIfOutOfMemory(error);
      this.log.warn(`The watchdog cannot supervise the runs: ${String(error)}`);
    }
  }

  private async pauseIfOutOfMemory(error: unknown): Promise<void> {
    if (!isOutOfMemory(error)) {
      return;
    }
    try {
      for (const [backfill, runId] of await this.runs.active()) {
        await this.breaker.pauseIfOutOfMemory(backfill, runId, error);
      }
    } catch (readError) {
      this.logger.debug(`The watchdog cannot read the active runs: ${String(readError)}`);
    }
  }
}

function isPresent(run: Omit<ActiveRun, 'status'> & { readonly status: RunStatus | '' }): run is ActiveRun {
  return run.status !== '';
}
