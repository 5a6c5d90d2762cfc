import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';

/** When the holder dies, another process acquires the lease after this. */
const LEASE_MS = 3_000;

/**
 * The lease of the process that writes the ledger. It only saves work: writes are idempotent, so two holders do no
 * harm.
 */
@Injectable()
export class LedgerLease {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
  ) {}

  /** Acquires or renews the lease; returns whether this process holds it. */
  async acquire(): Promise<boolean> {
    if (await this.isHeld()) {
      await this.client.pexpire(this.keys.ledgerLease, LEASE_MS);
      return true;
    }
    return (await this.client.set(this.keys.ledgerLease, this.processId, 'PX', LEASE_MS, 'NX')) === 'OK';
  }

  async release(): Promise<void> {
    if (await this.isHeld()) {
      await this.client.unlink(this.keys.ledgerLease);
    }
  }

  private async isHeld(): Promise<boolean> {
    return (await this.client.get(this.keys.ledgerLease)) === this.processId;
  }
}
