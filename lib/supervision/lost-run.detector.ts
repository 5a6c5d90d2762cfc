import { Injectable, Inject } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import type { ActiveRun } from './backfill.watchdog.js';

/** Detects active runs whose data Redis lost (`FLUSHALL`, a restart without persistence), from the memory of this process. */
@Injectable()
export class LostRunDetector {
  private readonly logger = new BackfillLogger();
  private readonly known = new Map<string, string>();
  private readonly lost = new Map<string, string>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
  ) {}

  /** Compares the active runs with those of the previous call; returns the backfills whose run is lost. */
  async detect(active: readonly ActiveRun[]): Promise<string[]> {
    const current = new Map(active.map(({ backfill, runId }) => [backfill, runId]));
    for (const [backfill, runId] of this.known) {
      if (current.get(backfill) !== runId) {
        this.known.delete(backfill);
        if ((await this.client.hexists(this.keys.run(runId), 'status')) === 0) {
          this.lost.set(backfill, runId);
          this.logger.write('error', { backfill, runId }, describeLoss(runId, this.options.ledger));
        }
      }
    }
    for (const [backfill, runId] of current) {
      this.known.set(backfill, runId);
      this.lost.delete(backfill);
    }
    return [...this.lost.keys()];
  }

  /** Remembers a run that was read as active. */
  remember(backfill: string, runId: string): void {
    this.known.set(backfill, runId);
  }

  /** Warnings for the status of a backfill whose run Redis does not have. */
  warnings(backfill: string, newest: string | null): string[] {
    const runId = this.lost.get(backfill) ?? this.known.get(backfill) ?? newest;
    return runId === null ? [] : [describeLoss(runId, this.options.ledger)];
  }
}

function describeLoss(runId: string, recovers: boolean): string {
  return recovers
    ? `Run ${runId} is gone from Redis; it is restored from the ledger within seconds`
    : `Run ${runId} is gone from Redis; start another, or use ledger: true`;
}
