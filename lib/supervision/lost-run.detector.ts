import { Injectable, Inject, Logger } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';

/** Remembers which runs were active, so that one that Redis lost (`FLUSHALL`, no persistence) is not forgotten. */
@Injectable()
export class LostRunDetector {
  private readonly logger = new Logger('Backfill');
  private readonly known = new Map<string, string>();
  private readonly lost = new Map<string, string>();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
  ) {}

  /** Compares the active runs with those of the last time; answers the backfills whose run is lost. */
  async detect(
    active: readonly { readonly backfill: string; readonly runId: string; readonly status: string }[],
  ): Promise<string[]> {
    const here = active.filter(({ status }) => status !== '');
    const now = new Map(here.map(({ backfill, runId }) => [backfill, runId]));
    for (const [backfill, runId] of this.known) {
      if (now.get(backfill) !== runId) {
        this.known.delete(backfill);
        if ((await this.client.hexists(this.keys.run(runId), 'status')) === 0) {
          this.lost.set(backfill, runId);
          this.logger.error(`[${backfill} run ${runId}] ${lostText(runId, this.options.ledger)}`);
        }
      }
    }
    for (const [backfill, runId] of now) {
      this.known.set(backfill, runId);
      this.lost.delete(backfill);
    }
    return [...this.lost.keys()];
  }

  /** Remembers a run that was seen to be active. */
  remember(backfill: string, runId: string): void {
    this.known.set(backfill, runId);
  }

  /** What the status of a backfill without a run is to say. */
  warnings(backfill: string, newest: string | null): string[] {
    const runId = this.lost.get(backfill) ?? this.known.get(backfill) ?? newest;
    return runId === null ? [] : [lostText(runId, this.options.ledger)];
  }
}

function lostText(runId: string, recovers: boolean): string {
  return recovers
    ? `Run ${runId} is gone from Redis; it is made again from the ledger within seconds`
    : `Run ${runId} is gone from Redis; start again, or use ledger: true`;
}
