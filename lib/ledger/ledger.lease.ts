import { Inject, Injectable } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisLease } from '../redis/redis.lease.js';

/** When the holder dies, another process acquires the lease after this. */
const LEASE_MS = 3_000;

/** The lease of the process that writes the ledger. Its writes are idempotent, so two holders do no harm. */
@Injectable()
export class LedgerLease extends RedisLease {
  constructor(
    @Inject(REDIS_CLIENT) client: RedisClient,
    keys: BackfillKeys,
    @Inject(PROCESS_ID) processId: string,
  ) {
    super(client, keys.ledgerLease, processId, LEASE_MS);
  }
}
