import { Injectable, Inject, Logger } from '@nestjs/common';
import type { BackfillConfigPatch } from '../config/backfill-config.js';
import { encodeConfigPatch } from '../config/config-codec.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { RedisClient } from '../redis/lua-script.js';
import type { StagedKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { LedgerStore } from './ledger.store.js';
import type { LedgerState } from './ledger.store.js';
import { recoveredFields } from './recovered-fields.js';
import type { RecoveredRun } from './recovered-fields.js';

const PAGE = 1000;
/** What a process that died had put together goes by itself. */
const STAGED_SECONDS = 3600;
const IDEMPOTENCY_MS = 24 * 3600 * 1000;

/** Puts back into Redis what it lost and the ledger has: configs, and the newest run of each backfill. */
@Injectable()
export class RunRestorer {
  private readonly logger = new Logger('Backfill');

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly registry: BackfillRegistry,
    private readonly store: LedgerStore,
  ) {}

  /** Every backfill of the app; answers the runs that were put back. */
  async restoreAll(): Promise<LedgerState['run'][]> {
    const restored = [];
    const names = [...this.registry.all().map(({ name }) => name), ...(await this.store.active())];
    for (const name of new Set(names)) {
      const run = await this.restore(name);
      if (run) {
        restored.push(run);
      }
    }
    return restored;
  }

  /** Answers the run that was put back; `null` where nothing was lost, or somebody else was faster. */
  async restore(backfill: string): Promise<LedgerState['run'] | null> {
    await this.restoreConfig(backfill);
    const state = await this.store.newest(backfill);
    if (!state || (await this.client.hexists(this.keys.run(state.run.id), 'status')) === 1) {
      return null;
    }
    const answer = await this.recover(state);
    const { id, status, planned, done } = state.run;
    const where = `[${backfill} run ${id}]`;
    if (answer === 'incomplete') {
      throw new BackfillStateError(`${where} Redis lost again what was put together for its recovery.`);
    }
    if (answer === 'other') {
      await this.store.supersede(id);
      this.logger.error(
        `${where} was lost by Redis, and another run was started before it could be recovered`,
      );
    }
    if (answer !== 'recovered') {
      return null;
    }
    this.logger.warn(
      `${where} was lost by Redis and is made again from the ledger: ${status}, ${done} of ${planned} planned ` +
        `ranges done, checkpoint of ${state.checkpoint.takenAt.toISOString()}`,
    );
    return state.run;
  }

  private async restoreConfig(backfill: string): Promise<void> {
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

  private async recover(state: LedgerState) {
    const { run, checkpoint } = state;
    const recovered = recoveredFields(run, checkpoint);
    const staged = this.keys.staged(run.id, this.processId);
    await this.client.unlink(...Object.values(staged));
    await this.store.dropFailures(run.id, checkpoint.failuresThrough, recovered.failuresFrom);
    const failures = await this.stage(state, recovered, staged);
    const answer = await scripts.recover.run(
      this.client,
      this.keys,
      { backfill: run.backfill, runId: run.id, staged },
      [run.backfill, run.id, recovered.work.length, failures, ...Object.entries(recovered.fields).flat()],
    );
    const key = recovered.fields['idempotencyKey'];
    const left = IDEMPOTENCY_MS - (Date.now() - run.startedAt.getTime());
    if (answer === 'recovered' && key && left > 0) {
      await this.client.set(
        this.keys.idempotency(run.backfill, key),
        run.id,
        'PX',
        Math.min(left, IDEMPOTENCY_MS),
        'NX',
      );
    }
    return answer;
  }

  /** Puts work and failures under keys of this process; answers the number of failures. */
  private async stage(
    { checkpoint }: LedgerState,
    recovered: RecoveredRun,
    { work, failures, order }: StagedKeys,
  ): Promise<number> {
    for (let at = 0; at < recovered.work.length; at += PAGE) {
      await this.client.hset(work, ...recovered.work.slice(at, at + PAGE).flat());
    }
    let count = 0;
    for await (const page of this.store.failures(checkpoint)) {
      if (page.length > 0) {
        await this.client.hset(failures, ...page.flatMap(({ failureId, record }) => [failureId, record]));
        await this.client.zadd(order, ...page.flatMap(({ sequence, failureId }) => [sequence, failureId]));
        count += page.length;
      }
    }
    await Promise.all([work, failures, order].map((key) => this.client.expire(key, STAGED_SECONDS)));
    return count;
  }
}
