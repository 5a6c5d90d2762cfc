import { Inject, Injectable } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { latestUnpaced, throughput, SampleStore } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import type { ThrottlePressure } from '../throttles/backfill-throttle.js';
import { RateController } from './rate.controller.js';
import type { NamedPressure, ThrottledRate } from './rate.controller.js';

const MEASURED_OVER_MS = 10_000;
/** The unpaced speed of the workers is looked up in this many samples. */
const UNPACED_SAMPLES = 60;

/** What one reporter measured. */
export interface PressureReport extends ThrottlePressure {
  /** Identifies what measured it, and where. */
  readonly reporter: string;
  /** For how many ms it counts without another report. */
  readonly expiryMs: number;
}

/** The highest pressure that is reported for a backfill, rounded. */
export interface HighestPressure extends NamedPressure {
  /** Whether the run is running at another one. */
  readonly changed: boolean;
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
}

/** Shares measured pressures between the processes, and applies the highest of them at once where it has changed. */
@Injectable()
export class PressureReporter {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly configs: ConfigStore,
    private readonly samples: SampleStore,
    private readonly rateController: RateController,
  ) {}

  /** Stores a report, and returns the highest pressure of all reporters. */
  async report(
    backfill: string,
    runId: string,
    { reporter, pressure, reason, expiryMs, unknown }: PressureReport,
  ): Promise<HighestPressure> {
    const [highest, highestReason, changed, now, throttle, isUnknown] = await scripts.reportPressure.run(
      this.client,
      this.keys,
      { backfill, runId },
      [reporter, pressure, reason, expiryMs, unknown === true ? 1 : 0],
    );
    return {
      pressure: Number(highest),
      reason: highestReason,
      throttle,
      changed: changed === 1,
      now,
      unknown: isUnknown === 1,
    };
  }

  /** Stores a report, and has the rate follow where the highest pressure is not the one in force. */
  async reportAndApply(backfill: HandledBackfill, runId: string, report: PressureReport): Promise<void> {
    const highest = await this.report(backfill.name, runId, report);
    if (highest.changed) {
      const [{ config }, throttled] = await Promise.all([
        this.configs.read(backfill.name, backfill.defaults),
        this.throttledRate(highest, runId),
      ]);
      await this.rateController.apply(backfill.name, runId, config, highest.now, throttled);
    }
  }

  /** Deletes the reports of reporters that measure no more. */
  async withdraw(backfill: string, reporters: readonly string[]): Promise<void> {
    if (reporters.length > 0) {
      await this.client.hdel(this.keys.pressure(backfill), ...reporters);
    }
  }

  /** @param sample newer than those that are stored */
  async throttledRate(
    { pressure, reason, throttle, unknown }: NamedPressure,
    runId: string,
    sample?: BackfillSample,
  ): Promise<ThrottledRate> {
    if (pressure <= 0) {
      return { pressure: 0, reason, throttle, unpacedPerSecond: 0 };
    }
    const stored = await this.samples.newest(runId, UNPACED_SAMPLES);
    const unpaced = latestUnpaced(sample ? [sample, ...stored] : stored);
    return {
      pressure,
      reason,
      throttle,
      unknown,
      unpacedPerSecond: throughput(unpaced, MEASURED_OVER_MS).ranges,
    };
  }
}
