import { Injectable, Inject, Logger } from '@nestjs/common';
import { withTimeout } from '../async/timeout.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { BackfillThrottle, ThrottlePressure } from '../throttles/backfill-throttle.js';
import { SharedQuota } from './shared.quota.js';

const TIMEOUT_MS = 2_000;
/** What a process said of itself so long ago no longer counts. */
const FORGET_MS = 5_000;

type Scope = NonNullable<BackfillThrottle['scope']>;

/** Asks the throttles of a backfill, and keeps what each process says of itself. */
@Injectable()
export class ThrottleEvaluator {
  private readonly logger = new Logger('Backfill');
  private readonly failing = new Set<string>();
  private readonly pressed = new Set<string>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly managers: EntityManagers,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly quota: SharedQuota,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {}

  /** The hardest pressure of all throttles, in whichever process. */
  async evaluate(backfill: RegisteredBackfill, runId: string, now: number): Promise<ThrottlePressure> {
    const told = await Promise.all([
      this.measure(backfill, runId, 'cluster'),
      this.ofProcesses(backfill, now),
      // Rows are slowed down call by call.
      backfill.shape === 'row' ? NONE : this.quota.pressure(backfill.name, now),
    ]);
    return hardest(told);
  }

  /** Has the others know how hard this process is pressed. */
  async report(backfill: RegisteredBackfill, runId: string, now: number): Promise<void> {
    const { pressure, reason } = await this.measure(backfill, runId, 'process');
    const key = this.keys.pressure(backfill.name);
    if (pressure > 0) {
      this.pressed.add(backfill.name);
      await Promise.all([
        this.client.hset(key, this.processId, JSON.stringify([now, pressure, reason])),
        this.client.pexpire(key, FORGET_MS),
      ]);
    } else if (this.pressed.delete(backfill.name)) {
      await this.client.hdel(key, this.processId);
    }
  }

  private async ofProcesses(backfill: RegisteredBackfill, now: number): Promise<ThrottlePressure> {
    if (this.throttles(backfill, 'process').length === 0) {
      return NONE;
    }
    const told = await this.client.hvals(this.keys.pressure(backfill.name));
    return hardest(
      told
        .map((text) => JSON.parse(text) as [number, number, string])
        .filter(([at]) => now - at < FORGET_MS)
        .map(([, pressure, reason]) => ({ pressure, reason })),
    );
  }

  private async measure(
    backfill: RegisteredBackfill,
    runId: string,
    scope: Scope,
  ): Promise<ThrottlePressure> {
    const throttles = this.throttles(backfill, scope);
    return hardest(await Promise.all(throttles.map((throttle) => this.ask(throttle, backfill.name, runId))));
  }

  private throttles(backfill: RegisteredBackfill, scope: Scope): BackfillThrottle[] {
    return [...this.options.throttles, ...(backfill.throttles ?? [])].filter(
      ({ scope: its = 'cluster' }) => its === scope,
    );
  }

  private async ask(throttle: BackfillThrottle, backfill: string, runId: string): Promise<ThrottlePressure> {
    const em = this.managers.fork();
    const where = `[${backfill} run ${runId}] throttle ${throttle.name}`;
    try {
      const { pressure, reason } = await withTimeout(
        Promise.resolve(throttle.measure({ backfill, runId, em, redis: this.client })),
        TIMEOUT_MS,
        () => new Error(`Expected an answer within ${TIMEOUT_MS} ms, got none`),
      );
      if (!Number.isFinite(pressure)) {
        throw new TypeError(`Expected a pressure from 0 to 1, got ${String(pressure)}`);
      }
      this.failing.delete(where);
      return { pressure: Math.min(1, Math.max(0, pressure)), reason };
    } catch (error) {
      const closed = throttle.onError === 'failClosed';
      // Said once: it is the same every second.
      if (!this.failing.has(where)) {
        this.failing.add(where);
        this.logger.warn(`${where} failed, taken for ${closed ? 'a hold' : 'no pressure'}: ${String(error)}`);
      }
      await this.client.hincrby(this.keys.throttleErrors(runId), throttle.name, 1);
      return { pressure: closed ? 1 : 0, reason: `throttle ${throttle.name} failed` };
    } finally {
      em.clear();
    }
  }
}

const NONE: ThrottlePressure = { pressure: 0, reason: '' };

function hardest(pressures: readonly ThrottlePressure[]): ThrottlePressure {
  return pressures.reduce((most, each) => (each.pressure > most.pressure ? each : most), NONE);
}
