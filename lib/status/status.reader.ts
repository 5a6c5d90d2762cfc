import { Injectable } from '@nestjs/common';
import type { BackfillConfig, BackfillConfigPatch } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { estimateEnd } from '../pacing/schedule.js';
import { SharedQuota } from '../pacing/shared.quota.js';
import { publicCursor } from '../planning/partition-rotation.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { BackfillRun } from '../state/backfill-run.js';
import { toPerSecond } from '../state/pace.js';
import type { RunRecord } from '../state/run-record.js';
import { isActive } from '../state/run-status.js';
import { RunStore } from '../state/run.store.js';
import { throughput, SampleStore } from '../state/sample.store.js';
import { WorkerHeartbeats } from '../state/worker.heartbeats.js';
import { LostRunDetector } from '../supervision/lost-run.detector.js';
import type { BackfillStatus, RateStatus } from './backfill-status.js';
import { warningsOf } from './run-warnings.js';

const MINUTE_MS = 60_000;

/** Makes what an operator reads out of what the tracker keeps. */
@Injectable()
export class StatusReader {
  constructor(
    private readonly registry: BackfillRegistry,
    private readonly runStore: RunStore,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly heartbeats: WorkerHeartbeats,
    private readonly clock: RedisClock,
    private readonly lost: LostRunDetector,
    private readonly quota: SharedQuota,
  ) {}

  async status(name: string): Promise<BackfillStatus> {
    const backfill = this.registry.find(name);
    const description = backfill?.description ?? null;
    const runId = (await this.runStore.activeId(name)) ?? (await this.runStore.newestId(name));
    const run = runId === null ? null : await this.runStore.read(runId);
    const now = await this.clock.now();
    const workers = (await this.heartbeats.workers(name, now)).length;
    if (!run) {
      return { ...IDLE, name, description, runId, workers, warnings: this.lost.warnings(name, runId) };
    }
    if (isActive(run.status)) {
      this.lost.remember(name, run.id);
    }
    const outstanding = outstandingOf(run);
    const samples = await this.samples.newest(run.id, 61);
    const recent = samples[0] !== undefined && now - samples[0].at < MINUTE_MS && run.status === 'running';
    const speed = recent ? throughput(samples, MINUTE_MS) : { ranges: 0, rows: 0 };
    const config = await this.configOf(name, backfill?.defaults ?? []);
    const over = run.finishedAt !== null;
    return {
      name,
      description,
      state: run.status,
      stateReason: run.reason,
      runId: run.id,
      dryRun: run.dryRun,
      planned: run.planned,
      done: run.done,
      outstanding,
      failed: run.failed,
      rowsDone: run.rowsDone,
      rowsFailed: run.rowsFailed,
      rowsTotal: run.rowsTotal,
      rowsTotalKind: run.rowsExact ? 'exact' : 'estimated',
      percent: percentOf(run),
      rangesPerSecond: rounded(speed.ranges),
      rowsPerSecond: rounded(speed.rows),
      eta: over || !config ? null : isoOrNull(this.end(run, outstanding, config, speed.ranges, now)),
      rate: rateOf(run, now),
      callsPerSecond: await this.callsPerSecond(name, config, now),
      workers,
      warnings: [...warningsOf(run, backfill, workers, config), ...(await this.throttleWarnings(run.id))],
      cursor: publicCursor(run.partitions ?? [], new Map(Object.entries(run.cursors))),
      startedAt: new Date(run.startedAt).toISOString(),
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
      status: run.status,
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
      rowsTotal: run.rowsTotal,
      failures: await this.runStore.failures(run.id),
    };
  }

  /** When the run will be through, by the rate of each hour and the speed that the workers reach. */
  private end(
    run: RunRecord,
    outstanding: number,
    config: BackfillConfig,
    rangesPerSecond: number,
    now: number,
  ): number | null {
    if (run.status !== 'running') {
      return null;
    }
    const left = Math.max(0, run.rowsTotal - run.progress);
    const ranges = run.exhausted
      ? outstanding
      : Math.max(outstanding, Math.ceil(left / rowsPerRange(run, config)));
    const bounded = rangesPerSecond > 0 && isBottleneck(run, rangesPerSecond);
    return estimateEnd(
      config,
      Math.max(now, run.holdUntil ?? 0),
      ranges,
      bounded ? rangesPerSecond : undefined,
    );
  }

  private async throttleWarnings(runId: string): Promise<string[]> {
    const errors = Object.entries(await this.runStore.throttleErrors(runId));
    return errors.map(([name, count]) => `Throttle ${name} failed ${count} times; the log says why.`);
  }

  private async callsPerSecond(name: string, config: BackfillConfig | null, now: number) {
    const calls = config && (await this.quota.perSecond(name, config.quota, now));
    return calls === null ? null : rounded(calls);
  }

  /** None where the stored config is corrupt: the run is paused for that, and says so. */
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
  stateReason: null,
  dryRun: false,
  planned: 0,
  done: 0,
  outstanding: 0,
  failed: 0,
  rowsDone: 0,
  rowsFailed: 0,
  rowsTotal: null,
  rowsTotalKind: null,
  percent: 0,
  rangesPerSecond: 0,
  rowsPerSecond: 0,
  eta: null,
  rate: { perSecond: 0, reason: 'idle' },
  callsPerSecond: null,
  cursor: null,
  startedAt: null,
  finishedAt: null,
  startedBy: null,
  reason: null,
  lastError: null,
} as const;

/** Rows a range is worth: as planned so far, else as configured. */
function rowsPerRange(run: RunRecord, config: BackfillConfig): number {
  return run.done > 0 && run.progress > 0 ? run.progress / run.done : config.batchSize;
}

/** Whether the workers, not the rate, say how fast it goes: they stay clearly under it. */
function isBottleneck(run: RunRecord, rangesPerSecond: number): boolean {
  switch (run.pace.kind) {
    case 'unpaced':
      return true;
    case 'held':
      return false;
    default:
      return rangesPerSecond < run.pace.perSecond * 0.95;
  }
}

/** Told by the counters of one moment: what is counted apart may have moved between two looks. */
function outstandingOf({ status, planned, done, failed }: RunRecord): number {
  return status === 'cancelled' ? 0 : Math.max(0, planned - done - failed);
}

function percentOf(run: RunRecord): number {
  if (run.status === 'completed' || (run.status === 'failed' && run.exhausted)) {
    return 100;
  }
  if (run.rowsTotal <= 0) {
    return 0;
  }
  return Math.min(99.9, Math.floor((1000 * run.progress) / run.rowsTotal) / 10);
}

function rateOf(run: RunRecord, now: number): RateStatus {
  if (run.status !== 'running') {
    return { perSecond: 0, reason: run.status };
  }
  if (run.holdUntil !== null && run.holdUntil > now) {
    return {
      perSecond: 0,
      reason: `${run.holdReason ?? 'held'} until ${new Date(run.holdUntil).toISOString()}`,
    };
  }
  const perSecond = toPerSecond(run.pace);
  return {
    perSecond: perSecond === null ? null : Number(perSecond.toPrecision(6)),
    reason: run.rateReason ?? 'starting',
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
