import { Injectable, Inject } from '@nestjs/common';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillLogger } from '../logging/backfill.logger.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import type { StagedKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import { BudgetRestorer } from './budget.restorer.js';
import { ConfigRestorer } from './config.restorer.js';
import type { LedgerRun } from './ledger-rows.js';
import { LedgerStore } from './ledger.store.js';
import type { LedgerState } from './ledger.store.js';
import { recoveredFields } from './recovered-fields.js';
import type { RecoveredRun } from './recovered-fields.js';

const PAGE = 1000;
/** Staged keys of a process that died expire after this. */
const STAGED_SECONDS = 3600;
const IDEMPOTENCY_MS = 24 * 3600 * 1000;

type RecoverReply = Awaited<ReturnType<typeof scripts.recover.run>>;

/** Writes what Redis lost and the ledger has back to Redis: the config and the newest run of each backfill. */
@Injectable()
export class RunRestorer {
  private readonly logger = new BackfillLogger();

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly registry: BackfillRegistry,
    private readonly store: LedgerStore,
    private readonly configRestorer: ConfigRestorer,
    private readonly budgetRestorer: BudgetRestorer,
  ) {}

  /** Restores every backfill of the app and every one with an active run; returns the restored runs. */
  async restoreAll(): Promise<LedgerRun[]> {
    const restored: LedgerRun[] = [];
    await this.budgetRestorer.restore();
    // Most backfills of an app may never have run: asking for each of them would delay its start.
    const [written, active] = [await this.store.backfills(), await this.store.active()];
    const handled = this.registry.all().map(({ name }) => name);
    const names = [...handled.filter((name) => written?.has(name) ?? true), ...active];
    for (const name of new Set(names)) {
      const run = await this.restore(name);
      if (run) {
        restored.push(run);
      }
    }
    return restored;
  }

  /** Returns the restored run; `null` where nothing was lost, or another process restored it. */
  async restore(backfill: string): Promise<LedgerRun | null> {
    await this.configRestorer.restore(backfill);
    const state = await this.store.newest(backfill);
    if (!state || (await this.client.hexists(this.keys.run(state.run.id), 'status')) === 1) {
      return null;
    }
    const reply = await this.recover(state);
    const { id, status, planned, done } = state.run;
    const where = `[${backfill} run ${id}]`;
    const scope = { backfill, runId: id };
    if (reply === 'incomplete') {
      throw new BackfillStateError(`${where} Redis lost its data again during the recovery.`);
    }
    if (reply === 'other') {
      await this.store.supersede(id);
      this.logger.write(
        'error',
        scope,
        'was lost by Redis, and another run was started before it was restored',
      );
    }
    if (reply !== 'recovered') {
      return null;
    }
    this.logger.write(
      'warn',
      scope,
      `was lost by Redis and is restored from the ledger: ${status}, ${done} of ${planned} planned ` +
        `ranges done, checkpoint of ${state.checkpoint.takenAt.toISOString()}`,
    );
    return state.run;
  }

  private async recover(state: LedgerState): Promise<RecoverReply> {
    const { run, checkpoint } = state;
    const recovered = recoveredFields(run, checkpoint);
    const staged = this.keys.staged(run.id, this.processId);
    await this.client.unlink(...Object.values(staged));
    await this.store.dropFailures(run.id, checkpoint.failuresThrough, recovered.failuresFrom);
    const failures = await this.stage(state, recovered, staged);
    const reply = await scripts.recover.run(
      this.client,
      this.keys,
      { backfill: run.backfill, runId: run.id, staged },
      [run.backfill, run.id, recovered.work.length, failures, ...Object.entries(recovered.fields).flat()],
    );
    const idempotencyKey = recovered.fields['idempotencyKey'];
    if (reply === 'recovered' && idempotencyKey) {
      await this.restoreIdempotencyKey(run, idempotencyKey);
    }
    return reply;
  }

  private async restoreIdempotencyKey({ id, backfill, startedAt }: LedgerRun, key: string): Promise<void> {
    const ttlMs = Math.min(IDEMPOTENCY_MS, startedAt.getTime() + IDEMPOTENCY_MS - Date.now());
    if (ttlMs > 0) {
      await this.client.set(this.keys.idempotency(backfill, key), id, 'PX', ttlMs, 'NX');
    }
  }

  /** Writes outstanding ranges and failures to keys of this process; returns the number of failures. */
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
