import { Injectable } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import { ConfigStore } from '../config/config.store.js';
import type { ConfigInForce } from '../config/config.store.js';
import { parseConfigPatch } from '../config/parse-config-patch.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { RateController } from '../pacing/rate.controller.js';
import { CycleQueues } from '../queues/cycle.queues.js';
import { RedisClock } from '../redis/redis.clock.js';
import type { ConfigureOptions } from '../state/run-actions.js';
import { RunStore } from '../state/run.store.js';

/** Changes the config of a backfill and applies the change to its running run at once. */
@Injectable()
export class ConfigChanger {
  constructor(
    private readonly configs: ConfigStore,
    private readonly runs: RunStore,
    private readonly rateController: RateController,
    private readonly cycles: CycleQueues,
    private readonly clock: RedisClock,
  ) {}

  async change(
    { name, defaults }: HandledBackfill,
    patch: BackfillConfigPatch,
    options: ConfigureOptions,
  ): Promise<ConfigInForce> {
    const { version, by = null, reason = null } = options;
    const parsed = parseConfigPatch(patch, { backfill: name, origin: 'configure' });
    const activeId = await this.runs.activeId(name);
    const written = await this.configs.write(
      name,
      activeId,
      parsed,
      { patch: { ...parsed }, by, reason },
      version === undefined ? { defaults } : { version, defaults },
    );
    if (written === null) {
      throw new BackfillConflictError(
        `The config of backfill "${name}" is no longer at version ${version}. Read it again and repeat the change.`,
      );
    }
    const inForce = await this.configs.read(name, defaults);
    const run = activeId === null ? null : await this.runs.read(activeId);
    if (run?.status === 'running') {
      await this.rateController.apply(name, run.id, inForce.config, await this.clock.now());
      await this.cycles.runNow({ backfill: name, run: run.id, cycle: run.cycle });
    }
    return inForce;
  }
}
