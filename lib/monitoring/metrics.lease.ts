import { Inject, Injectable, Logger } from '@nestjs/common';
import { endsWithin } from '../async/timeout.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisLease } from '../redis/redis.lease.js';
import { AppIntervals } from '../supervision/app-intervals.js';
import type { AppInterval } from '../supervision/app-intervals.js';

const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** A holder whose metrics nobody has collected for this long gives the lease up. */
const UNCOLLECTED_MS = 5 * 60_000;
const CLOSE_MS = 1_000;

/**
 * The lease of the process that exports the metrics of all processes together. A collection acquires it; between
 * collections, which may be minutes apart, an interval renews it, so that another process takes over soon after a crash.
 */
@Injectable()
export class MetricsLease {
  private readonly logger = new Logger('Backfill');
  private readonly lease: RedisLease;
  private interval: AppInterval | undefined;
  private collectedAt = 0;
  private closed = false;

  constructor(
    @Inject(REDIS_CLIENT) client: RedisClient,
    keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
  ) {
    this.lease = new RedisLease(client, keys.metricsLease, processId, LEASE_MS);
  }

  /** Called at each collection; returns whether this process exports. */
  async acquire(): Promise<boolean> {
    this.collectedAt = performance.now();
    if (this.closed || !(await this.lease.acquire())) {
      return false;
    }
    if (this.closed) {
      await this.lease.release();
      return false;
    }
    this.interval ??= this.intervals.start(`nestjs-backfill:metrics:${this.processId}`, RENEW_MS, () =>
      this.renew(),
    );
    return true;
  }

  /** Lets another process export. Takes a second at most, also while Redis does not answer. */
  async close(): Promise<void> {
    this.closed = true;
    if (!this.interval) {
      return;
    }
    this.stopRenewing();
    try {
      await endsWithin(this.lease.release(), CLOSE_MS);
    } catch (error) {
      this.logger.debug(`The lease of the metrics expires by itself: ${String(error)}`);
    }
  }

  private async renew(): Promise<void> {
    try {
      if (performance.now() - this.collectedAt > UNCOLLECTED_MS) {
        this.stopRenewing();
        await this.lease.release();
      } else if (!(await this.lease.renew())) {
        this.stopRenewing();
      }
    } catch (error) {
      this.logger.debug(`Cannot renew the lease of the metrics: ${String(error)}`);
    }
  }

  /** Does not wait for a renewal that is running: it may wait for Redis. */
  private stopRenewing(): void {
    void this.interval?.stop();
    this.interval = undefined;
  }
}
