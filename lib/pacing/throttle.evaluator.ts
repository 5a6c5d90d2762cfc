import { Injectable, Inject, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { withTimeout } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';
import { SharedQuota } from './shared.quota.js';

const TIMEOUT_MS = 2_000;
/** A process that has not reported for this long no longer counts. */
const REPORT_TTL_MS = 5_000;
const NO_PRESSURE: ThrottlePressure = { pressure: 0, reason: '' };

type Scope = NonNullable<BackfillThrottle['scope']>;

/** Measures the throttles of a backfill, and shares the pressure of each process with the others. */
@Injectable()
export class ThrottleEvaluator {
  private readonly logger = new Logger('Backfill');
  private readonly failures = new Map<string, LogOnce>();
  /** Backfills for which this process has reported pressure. */
  private readonly reported = new Set<string>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly managers: EntityManagers,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly quota: SharedQuota,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {}

  /** The highest pressure of all throttles in all processes. */
  async evaluate(backfill: HandledBackfill, runId: string, now: number): Promise<ThrottlePressure> {
    const pressures = await Promise.all([
      this.measureAll(backfill, runId, 'cluster'),
      this.reportedByProcesses(backfill, now),
      // For row handlers the quota already paces each call.
      backfill.shape === 'row' ? NO_PRESSURE : this.quota.pressure(backfill.name, now),
    ]);
    return highest(pressures);
  }

  /** Measures the throttles of scope `process` and reports their pressure to the process that evaluates them. */
  async report(backfill: HandledBackfill, runId: string, now: number): Promise<void> {
    const { pressure, reason } = await this.measureAll(backfill, runId, 'process');
    const key = this.keys.pressure(backfill.name);
    if (pressure > 0) {
      this.reported.add(backfill.name);
      await Promise.all([
        this.client.hset(key, this.processId, JSON.stringify([now, pressure, reason])),
        this.client.pexpire(key, REPORT_TTL_MS),
      ]);
    } else if (this.reported.delete(backfill.name)) {
      await this.client.hdel(key, this.processId);
    }
  }

  private async reportedByProcesses(backfill: HandledBackfill, now: number): Promise<ThrottlePressure> {
    if (this.throttlesOf(backfill, 'process').length === 0) {
      return NO_PRESSURE;
    }
    const reports = await this.client.hvals(this.keys.pressure(backfill.name));
    return highest(
      reports
        .map((text) => JSON.parse(text) as [number, number, string])
        .filter(([at]) => now - at < REPORT_TTL_MS)
        .map(([, pressure, reason]) => ({ pressure, reason })),
    );
  }

  private async measureAll(
    backfill: HandledBackfill,
    runId: string,
    scope: Scope,
  ): Promise<ThrottlePressure> {
    const throttles = this.throttlesOf(backfill, scope);
    return highest(
      await Promise.all(throttles.map((throttle) => this.measure(throttle, backfill.name, runId))),
    );
  }

  private throttlesOf(backfill: HandledBackfill, wanted: Scope): BackfillThrottle[] {
    return [...this.options.throttles, ...(backfill.throttles ?? [])].filter(
      ({ scope = 'cluster' }) => scope === wanted,
    );
  }

  private async measure(
    throttle: BackfillThrottle,
    backfill: string,
    runId: string,
  ): Promise<ThrottlePressure> {
    const em = this.managers.fork();
    const where = `[${backfill} run ${runId}] throttle ${throttle.name}`;
    try {
      const { pressure, reason } = await withTimeout(
        Promise.resolve(throttle.measure({ backfill, runId, em, redis: this.client })),
        TIMEOUT_MS,
        () => new Error(`Expected a result within ${TIMEOUT_MS} ms, got none`),
      );
      if (!Number.isFinite(pressure)) {
        throw new TypeError(`Expected a pressure from 0 to 1, got ${String(pressure)}`);
      }
      this.failures.delete(where);
      return { pressure: Math.min(1, Math.max(0, pressure)), reason };
    } catch (error) {
      const failClosed = throttle.onError === 'failClosed';
      this.logOf(where).warn(
        `${where} failed, treated as ${failClosed ? 'pressure 1' : 'no pressure'}: ${String(error)}`,
      );
      await this.client.hincrby(this.keys.throttleErrors(runId), throttle.name, 1);
      return { pressure: failClosed ? 1 : 0, reason: `throttle ${throttle.name} failed` };
    } finally {
      em.clear();
    }
  }

  private logOf(where: string): LogOnce {
    const log = this.failures.get(where) ?? new LogOnce(this.logger);
    this.failures.set(where, log);
    return log;
  }
}

function highest(pressures: readonly ThrottlePressure[]): ThrottlePressure {
  return pressures.reduce((most, each) => (each.pressure > most.pressure ? each : most), NO_PRESSURE);
}
