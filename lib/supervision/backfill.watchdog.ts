import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { encodeHandlerVersion } from '../config/handler-version.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { ThrottlePoller } from '../pacing/throttle.poller.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { isOutOfMemory } from '../redis/redis-memory.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisHealth } from '../redis/redis.health.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { ActiveRunReply } from '../redis/scripts/bindings.js';
import { decodeHold } from '../state/global-hold.js';
import type { StoredHold } from '../state/global-hold.js';
import { decodePace, toPerSecond } from '../state/pace.js';
import type { RunStatus } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { AppIntervals } from './app-intervals.js';
import type { AppInterval } from './app-intervals.js';
import { RunBreaker } from './run.breaker.js';
import { RunSupervisor } from './run.supervisor.js';
import { decodeSupervised } from './supervised-run.js';
import type { SupervisedRun } from './supervised-run.js';

const EVERY_MS = 1_000;
/** A little shorter than the interval, so that in each interval one process acquires the lease of a run. */
const LEASE_MS = 900;
/** Values of each run in the reply of `tick.lua`. */
const FIELDS_PER_RUN = 11;

/** A run that is running or paused. */
export interface ActiveRun {
  readonly backfill: string;
  readonly runId: string;
  readonly status: RunStatus;
  /** How many times it was resumed. */
  readonly resumes: number;
  /** Whether this process supervises the run in this interval. */
  readonly hasLease: boolean;
  /** Whether this process has its handler, in the version of the run where that matters. */
  readonly maySupervise: boolean;
  /** Ms since something was done, or since its state holds. */
  readonly quietMs: number;
  /** Whether it is recorded as stalled. */
  readonly isStalled: boolean;
  /** Whether it should end by a time. */
  readonly hasFinishBy: boolean;
  /** The rate in force: ranges a second, `null` is unpaced, 0 holds. */
  readonly perSecond: number | null;
  /** What supervision begins with; `null` where this process does not supervise the run now. */
  readonly supervised: SupervisedRun | null;
}

/** The active runs at one moment. */
export interface ActiveRuns {
  readonly runs: readonly ActiveRun[];
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** `null` where not all runs are held. */
  readonly hold: StoredHold | null;
}

/** Lists the active runs once a second in every process, and supervises each running one in one that has its handler. */
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
    private readonly registry: BackfillRegistry,
    private readonly runs: RunStore,
    private readonly supervisor: RunSupervisor,
    private readonly breaker: RunBreaker,
    private readonly poller: ThrottlePoller,
    private readonly redisHealth: RedisHealth,
  ) {}

  /** @param onTick called once a second with the active runs */
  open(onTick: (active: ActiveRuns) => Promise<void>): void {
    const name = `nestjs-backfill:watchdog:${this.processId}`;
    this.interval = this.intervals.start(name, EVERY_MS, () => this.tick(onTick));
  }

  async close(): Promise<void> {
    await this.interval?.stop();
  }

  /** Reads the active runs of all backfills, and acquires the leases of this interval that no other process has. */
  async poll(): Promise<ActiveRuns> {
    const handled = this.registry
      .all()
      .flatMap((backfill) => [backfill.name, encodeHandlerVersion(backfill)]);
    const [now, hold, ...fields] = await scripts.tick.run(this.client, this.keys, undefined, [
      LEASE_MS,
      ...handled,
    ]);
    this.redisHealth.noteAnswer();
    const runs = Array.from({ length: fields.length / FIELDS_PER_RUN }, (_, i) => {
      const first = FIELDS_PER_RUN * i;
      const own = fields.slice(first, first + FIELDS_PER_RUN) as ActiveRunReply;
      const [
        backfill,
        runId,
        status,
        resumes,
        lease,
        mine,
        quietMs,
        stalled,
        finishBy,
        interval,
        supervised,
      ] = own;
      return {
        backfill,
        runId,
        status: status as RunStatus | '',
        resumes,
        hasLease: lease === 1,
        maySupervise: mine === 1,
        quietMs,
        isStalled: stalled === 1,
        hasFinishBy: finishBy === 1,
        perSecond: toPerSecond(decodePace(Number(interval))),
        supervised: decodeSupervised(supervised),
      };
    });
    // The status is empty where Redis lost the run but not the list of active runs.
    return { now, hold: decodeHold(hold), runs: runs.filter(isPresent) };
  }

  private async tick(onTick: (active: ActiveRuns) => Promise<void>): Promise<void> {
    try {
      const active = await this.poll();
      // Not one after the other: what was read of the runs is of now.
      const steps = await Promise.allSettled([this.superviseAll(active), onTick(active)]);
      const failed = steps.find((step) => step.status === 'rejected');
      if (failed) {
        throw failed.reason;
      }
      this.log.recover();
    } catch (error) {
      await this.pauseIfOutOfMemory(error);
      this.log.warn(`The watchdog cannot supervise the runs: ${String(error)}`);
    }
  }

  private async superviseAll({ runs, now, hold }: ActiveRuns): Promise<void> {
    this.pollThrottles(hold ? [] : runs);
    let turn = Promise.resolve();
    await Promise.all(
      runs
        .filter(({ supervised }) => supervised !== null)
        .map(async (run) => {
          // One run a turn of the event loop: all in one turn would delay what else the process does, such as its requests.
          turn = turn.then(() => nextTurn());
          await turn;
          await this.supervise(run, now);
        }),
    );
  }

  /** Of the throttles that concern all processes; those of this process are measured beside its workers. */
  private pollThrottles(active: readonly ActiveRun[]): void {
    this.poller.sync(
      'cluster',
      active
        .filter(({ status, maySupervise }) => status === 'running' && maySupervise)
        .map(({ backfill, runId }) => ({ backfill: this.registry.get(backfill), runId })),
    );
  }

  /** A run whose state is corrupt is paused: going on with it is not safe, and it must not stop the others. */
  private async supervise({ backfill, runId, supervised }: ActiveRun, now: number): Promise<void> {
    if (!supervised) {
      return;
    }
    try {
      await this.supervisor.supervise(backfill, runId, supervised, now);
    } catch (error) {
      if (!(error instanceof BackfillStateError)) {
        throw error;
      }
      await this.breaker.pause(backfill, runId, error.message, error);
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
