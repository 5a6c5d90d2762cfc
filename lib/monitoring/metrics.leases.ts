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
/** A process whose metrics nobody has collected for this long gives its leases up. */
const UNCOLLECTED_MS = 5 * 60_000;
const CLOSE_MS = 1_000;

/**
 * The leases of the process that exports the metrics of all processes together: one a backfill, as not every process has
 * every backfill. A collection acquires them; between collections, which may be minutes apart, an interval renews them, so
 * that another process takes over soon after a crash.
 */
@Injectable()
export class MetricsLeases {
  private readonly logger = new Logger('Backfill');
  private readonly held = new Map<string, RedisLease>();
  private interval: AppInterval | undefined;
  private collectedAt = 0;
  private closed = false;

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly intervals: AppIntervals,
  ) {}

  /** Called at each collection with the backfills that this process knows; returns those that it exports. */
  async acquire(backfills: readonly string[]): Promise<string[]> {
    this.collectedAt = performance.now();
    if (this.closed) {
      return [];
    }
    const unknown = [...this.held.keys()].filter((name) => !backfills.includes(name));
    await Promise.all([...backfills.map((name) => this.acquireOne(name)), this.release(unknown)]);
    if (this.closed) {
      await this.release();
      return [];
    }
    this.interval ??= this.intervals.start(`nestjs-backfill:metrics:${this.processId}`, RENEW_MS, () =>
      this.renew(),
    );
    return backfills.filter((name) => this.held.has(name));
  }

  /** Lets other processes export. Takes a second at most, also while Redis does not answer. */
  async close(): Promise<void> {
    this.closed = true;
    // Does not wait for a renewal that is running: it may wait for Redis.
    void this.interval?.stop();
    try {
      await endsWithin(this.release(), CLOSE_MS);
    } catch (error) {
      this.logger.debug(`The leases of the metrics expire by themselves: ${String(error)}`);
    }
  }

  private async acquireOne(backfill: string): Promise<void> {
    const key = this.keys.metricsLease(backfill);
    const lease = this.held.get(backfill) ?? new RedisLease(this.client, key, this.processId, LEASE_MS);
    if (await lease.acquire()) {
      this.held.set(backfill, lease);
    } else {
      this.held.delete(backfill);
    }
  }

  private async renew(): Promise<void> {
    try {
      if (performance.now() - this.collectedAt > UNCOLLECTED_MS) {
        await this.release();
      } else {
        await Promise.all([...this.held].map(([backfill, lease]) => this.renewOne(backfill, lease)));
      }
    } catch (error) {
      this.logger.debug(`Cannot renew the leases of the metrics: ${String(error)}`);
    }
  }

  private async renewOne(backfill: string, lease: RedisLease): Promise<void> {
    if (!(await lease.renew())) {
      this.held.delete(backfill);
    }
  }

  private async release(backfills: readonly string[] = [...this.held.keys()]): Promise<void> {
    await Promise.all(
      backfills.map(async (name) => {
        const lease = this.held.get(name);
        this.held.delete(name);
        await lease?.release();
      }),
    );
  }
}
