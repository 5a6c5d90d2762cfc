import { Inject, Injectable } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import { encodeConfigPatch } from '../config/config-codec.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { LedgerStore } from './ledger.store.js';

/** Restores the config of a backfill that Redis lost, by replaying its changes from the ledger. */
@Injectable()
export class ConfigRestorer {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    private readonly store: LedgerStore,
  ) {}

  async restore(backfill: string): Promise<void> {
    if ((await this.client.exists(this.keys.config(backfill))) === 1) {
      return;
    }
    const patch: BackfillConfigPatch = {};
    let version = 0;
    for await (const page of this.store.configChanges(backfill)) {
      for (const { to } of page) {
        Object.assign(patch, to);
        version++;
      }
    }
    if (version > 0) {
      const fields = { ...encodeConfigPatch(patch), _version: String(version) };
      await scripts.recoverConfig.run(this.client, this.keys, { backfill }, Object.entries(fields).flat());
    }
  }
}
