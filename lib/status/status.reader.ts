import { Injectable } from '@nestjs/common';
import type { BackfillConfig, BackfillConfigPatch } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { isHeldForVersion } from '../config/handler-version.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { publicCursor } from '../planning/partition-rotation.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { BackfillRun } from '../state/backfill-run.js';
import { pauserOf } from '../state/run-record.js';
import type { RunRecord } from '../state/run-record.js';
import { isActive } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import { toStoredError } from '../state/stored-error.js';
import { publicStatus, verificationResult } from '../state/verification.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { LostRunDetector } from '../supervision/lost-run.detector.js';
import { LIBRARY } from '../supervision/run.breaker.js';
import { RunChecker } from '../supervision/run.checker.js';
import type { BackfillStatus } from './backfill-status.js';
import { activeAtOf, isStalled } from './run-activity.js';
import { estimatedEndOf } from './run-eta.js';
import { holdOf } from './run-hold.js';
import { outstandingOf, percentOf, rateOf } from './run-progress.js';
import { isUnmanned, warningsOf } from './run-warnings.js';

const MINUTE_MS = 60_000;
/** One sample per second. */
const SAMPLES = 61;

/** Reads the state of runs from Redis and derives the public status from it. */
@Injectable()
export class StatusReader {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runStore: RunStore,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly lostRuns: LostRunDetector,
    private readonly quota: SharedQuota,
    private readonly checker: RunChecker,
  ) {}

  /** The status of each backfill. One whose state is corrupt hides no other: its status has the error as a warning. */
  async list(names: readonly string[]): Promise<BackfillStatus[]> {
    return Promise.all(
      names.map(async (name) => {
        try {
          return await this.status(name);
        } catch (error) {
          return this.corruptStatus(name, error);
        }
      }),
    );
  }

  async status(name: string): Promise<BackfillStatus> {
    const backfill = this.registry.find(name);
    const description = backfill?.description ?? null;
    const runId = (await this.runStore.activeId(name)) ?? (await this.runStore.newestId(name));
    const run = runId === null ? null : await this.runStore.read(runId);
    const now = await this.clock.now();
    const workers = (await this.heartbeats.workers(name, now)).length;
    if (!run) {
      return {
        ...IDLE,
        name,
        now: iso(now),
        description,
        runId,
        workers,
        warnings: this.lostRuns.warnings(name, runId),
      };
    }
    if (isActive(run.status)) {
      this.lostRuns.remember(name, run.id);
    }
    const samples = run.status === 'running' ? await this.samples.newest(run.id, SAMPLES) : [];
    const speed = speedOf(samples, now);
    const config = await this.configOf(name, backfill?.defaults ?? []);
    const refusal = backfill ? this.checker.refusal(backfill, run) : null;
    const callsPerSecond = await this.callsPerSecond(name, config, now);
    const hold = holdOf(run, config, now);
    const facts = config && { config, shape: backfill?.shape, callsPerSecond, samples, now };
    const stalled = run.status === 'running' && !hold && facts !== null && isStalled(run, facts);
    const unmanned = isUnmanned(run, workers, now);
    return {
      name,
      now: iso(now),
      description,
      state: publicStatus(run),
      stateSince: isoOrNull(run.stateSince),
      stateReason: run.reason,
      pausedBy: pauserOf(run),
      runId: run.id,
      dryRun: run.dryRun,
      version: run.version,
      adoptVersion: adoptable(run, backfill),
      planned: run.planned,
      done: run.done,
      outstanding: outstandingOf(run),
      failed: run.failed,
      rowsDone: run.rowsDone,
      rowsFailed: run.rowsFailed,
      rowsMissing: run.rowsMissing,
      rowsRechecked: run.rowsRechecked,
      verified: verificationResult(run.verification),
      rowsTotal: run.rowsTotal,
      rowsTotalKind: run.rowsExact ? 'exact' : 'estimated',
      percent: percentOf(run),
      rangesPerSecond: rounded(speed.ranges),
      rowsPerSecond: rounded(speed.rows),
      eta: facts && isoOrNull(estimatedEndOf(run, { ...facts, heldUntil: hold?.until, stalled, unmanned })),
      rate: rateOf(run, now),
      held: hold && { reason: hold.reason, since: isoOrNull(hold.since), until: isoOrNull(hold.until) },
      activeAt: isoOrNull(activeAtOf(run, samples)),
      stalled,
      throttlePressure: run.status === 'running' ? run.pressure : 0,
      callsPerSecond: callsPerSecond === null ? null : rounded(callsPerSecond),
      workers,
      warnings: [
        ...warningsOf(run, { backfill, workers, config, refusal, now }),
        ...(await this.throttleWarnings(run.id)),
      ],
      cursor: publicCursor(run.partitions ?? [], new Map(Object.entries(run.cursors))),
      startedAt: iso(run.startedAt),
      finishedAt: isoOrNull(run.finishedAt),
      startedBy: run.startedBy,
      reason: run.startReason,
      lastError: run.lastError,
    };
  }

  /** The runs of a backfill that Redis has, newest first. */
  async runs(name: string, limit: number): Promise<BackfillRun[]> {
    const ids = await this.runStore.ids(name, limit);
    const runs = await Promise.all(
      ids.map(async (id) => {
        const run = await this.runStore.read(id);
        return run && this.summary(run);
      }),
    );
    return runs.filter((run) => run !== null);
  }

  async summary(run: RunRecord): Promise<BackfillRun> {
    return {
      id: run.id,
      name: run.name,
      status: publicStatus(run),
      statusReason: run.reason,
      startedAt: new Date(run.startedAt).toISOString(),
      finishedAt: isoOrNull(run.finishedAt),
      startedBy: run.startedBy,
      reason: run.startReason,
      dryRun: run.dryRun,
      version: run.version,
      planned: run.planned,
      done: run.done,
      outstanding: outstandingOf(run),
      failed: run.failed,
      rowsDone: run.rowsDone,
      rowsFailed: run.rowsFailed,
      rowsMissing: run.rowsMissing,
      rowsRechecked: run.rowsRechecked,
      verified: verificationResult(run.verification),
      rowsTotal: run.rowsTotal,
      failures: await this.runStore.failures(run.id),
    };
  }

  /** Rejects where it is Redis that does not answer: that is a problem of all backfills. */
  private async corruptStatus(name: string, error: unknown): Promise<BackfillStatus> {
    const now = await this.clock.now();
    const workers = (await this.heartbeats.workers(name, now)).length;
    const runId = (await this.runStore.activeId(name)) ?? (await this.runStore.newestId(name));
    const stored = toStoredError(error);
    // Of a run whose status is corrupt, too, no range starts.
    const state = (runId && (await this.runStore.status(runId))) || 'paused';
    return {
      ...IDLE,
      name,
      now: iso(now),
      description: this.registry.find(name)?.description ?? null,
      state,
      stateReason: stored.message,
      // Whoever paused it before, the library does not let it go on.
      pausedBy: state === 'paused' ? LIBRARY : null,
      runId,
      workers,
      warnings: [stored.message],
      lastError: { ...stored, at: new Date(now).toISOString() },
    };
  }

  private async throttleWarnings(runId: string): Promise<string[]> {
    const errors = Object.entries(await this.runStore.throttleErrors(runId));
    return errors.map(
      ([name, count]) =>
        `Throttle ${name} failed ${Number(count) === 1 ? 'once' : `${count} times`}; see the log for the reason.`,
    );
  }

  private async callsPerSecond(
    name: string,
    config: BackfillConfig | null,
    now: number,
  ): Promise<number | null> {
    return config && (await this.quota.perSecond(name, config.quota, now));
  }

  /** `null` where the stored config is corrupt; the watchdog pauses the run for that reason. */
  private async configOf(
    name: string,
    defaults: readonly BackfillConfigPatch[],
  ): Promise<BackfillConfig | null> {
    try {
      return (await this.configs.read(name, defaults)).config;
    } catch {
      return null;
    }
  }
}

const IDLE = {
  state: 'idle',
  stateSince: null,
  stateReason: null,
  pausedBy: null,
  dryRun: false,
  version: null,
  adoptVersion: null,
  planned: 0,
  done: 0,
  outstanding: 0,
  failed: 0,
  rowsDone: 0,
  rowsFailed: 0,
  rowsMissing: 0,
  rowsRechecked: 0,
  verified: null,
  rowsTotal: null,
  rowsTotalKind: null,
  percent: 0,
  rangesPerSecond: 0,
  rowsPerSecond: 0,
  eta: null,
  rate: { perSecond: 0, reason: 'idle' },
  held: null,
  activeAt: null,
  stalled: false,
  throttlePressure: 0,
  callsPerSecond: null,
  cursor: null,
  startedAt: null,
  finishedAt: null,
  startedBy: null,
  reason: null,
  lastError: null,
} as const;

/** The version that the run has to adopt before it goes on with the handler of this process. */
function adoptable(run: RunRecord, backfill: RegisteredBackfill | undefined): string | null {
  const goesOn = isActive(run.status) || run.status === 'failed';
  return backfill && goesOn && isHeldForVersion(run, backfill) ? backfill.version : null;
}

/** Ranges and rows per second over the last minute. */
function speedOf(samples: readonly BackfillSample[], now: number): { ranges: number; rows: number } {
  const newest = samples[0];
  return newest && now - newest.at < MINUTE_MS ? throughput(samples, MINUTE_MS) : { ranges: 0, rows: 0 };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
