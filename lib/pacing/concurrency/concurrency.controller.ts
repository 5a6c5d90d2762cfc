import { Inject, Injectable } from '@nestjs/common';
import { BackfillLogger } from '../../logging/backfill.logger.js';
import { BackfillKeys } from '../../redis/backfill-keys.js';
import { PROCESS_ID } from '../../redis/process-id.js';
import { REDIS_CLIENT } from '../../redis/redis-connections.js';
import type { RedisClient } from '../../redis/redis-connections.js';
import { scripts } from '../../redis/scripts/bindings.js';
import { decodeConcurrency, roundedSlots } from '../../state/concurrency-state.js';
import type { ConcurrencyState } from '../../state/concurrency-state.js';
import { RunStore } from '../../state/run.store.js';
import { initialConcurrency } from './initial-concurrency.js';
import type { LoadReading } from './load.meter.js';
import type { SlotBounds } from './load-signals.js';
import { mergeReports } from './merge-reports.js';
import { nextConcurrency } from './next-concurrency.js';

/** A process that has not reported for this long no longer counts. */
const STALE_MS = 3_000;
/** When the process that decides dies, another takes over after this. */
const LEASE_MS = 1_000;

/** A run whose concurrency is found while it goes on. */
export interface AdaptiveRun {
  readonly backfill: string;
  readonly runId: string;
  /** What a slot holds, in words. */
  readonly unit: 'ranges' | 'rows';
}

/**
 * Finds the concurrency of a run together with all other processes: each reports what it measures, and one of them decides
 * for all. Its state is in Redis, so another process goes on with it. Two that decide for a moment do no harm.
 */
@Injectable()
export class ConcurrencyController {
  private readonly logger = new BackfillLogger();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly runs: RunStore,
  ) {}

  /** Reports what this process has measured, and answers how many slots it has now; `null` where the run is not running. */
  async step(run: AdaptiveRun, bounds: SlotBounds, reading: LoadReading): Promise<number | null> {
    const { runId } = run;
    const reply = await scripts.reportLoad.run(this.client, this.keys, { runId }, [
      this.processId,
      reading.latencyMs ?? '',
      reading.used,
      reading.ended,
      reading.errors,
      STALE_MS,
      LEASE_MS,
    ]);
    if (reply[0] === 'stopped') {
      return null;
    }
    const [, now, decides, stored, pressure, pressureReason, unknown, ended, errors, ...reports] = reply;
    const before = decodeConcurrency(stored) ?? initialConcurrency(bounds, now);
    if (decides === 0) {
      return before.value;
    }
    const { totals } = before;
    const next = nextConcurrency(
      before,
      {
        now,
        ...mergeReports(reports),
        ended: Math.max(0, ended - (totals?.ended ?? ended)),
        errors: Math.max(0, errors - (totals?.errors ?? errors)),
        pressure: unknown === 1 ? null : Number(pressure),
        pressureReason,
      },
      bounds,
    );
    await this.store(runId, { ...next, totals: { ended, errors } });
    if (next.value !== before.value) {
      this.log(run, before.value, next);
    }
    return next.value;
  }

  private async store(runId: string, state: ConcurrencyState): Promise<void> {
    await this.runs.setFields(runId, { concurrency: JSON.stringify(state), concurrencyAt: state.at });
  }

  private log(
    { backfill, runId, unit }: AdaptiveRun,
    before: number,
    { value, reason }: ConcurrencyState,
  ): void {
    const [from, to] = [roundedSlots(before), roundedSlots(value)];
    const scope = { backfill, runId, concurrency: to, reason };
    this.logger.limit('concurrency', 'log', scope, `concurrency ${from} to ${to} ${unit}, ${reason}`);
  }
}
