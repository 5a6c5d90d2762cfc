import { Inject, Injectable, Logger } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { RedisLease } from '../redis/redis.lease.js';
import type { ThrottleScope } from '../throttles/backfill-throttle.js';
import { PressureReporter } from './pressure.reporter.js';
import { RunPoll } from './run-poll.js';
import { ThrottleEvaluator } from './throttle.evaluator.js';
import { ThrottleLoop } from './throttle.loop.js';
import type { PolledRun } from './throttle.loop.js';

/** After the death of the process that measures for all, another one does within this and a third of it. */
const LEASE_MS = 1_500;

interface Polled {
  readonly poll: RunPoll;
  readonly scope: ThrottleScope;
  readonly run: PolledRun;
}

/**
 * Measures the throttles of running runs, each at its own interval: those of scope `cluster` in the one process that holds
 * the lease of the backfill, those of scope `process` in each process with workers for it.
 */
@Injectable()
export class ThrottlePoller {
  private readonly logger = new Logger('Backfill');
  private readonly polls = new Map<string, Polled>();
  private readonly stopping = new Set<Promise<void>>();
  private closed = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
    @Inject(PROCESS_ID) private readonly processId: string,
    private readonly evaluator: ThrottleEvaluator,
    private readonly reporter: PressureReporter,
  ) {}

  /** Measures the throttles of a scope for these runs, and for no others any more. */
  sync(scope: ThrottleScope, runs: readonly PolledRun[]): void {
    const wanted = new Map(runs.map((run) => [`${scope} ${run.runId}`, run]));
    for (const [key, polled] of this.polls) {
      if (polled.scope === scope && !wanted.has(key)) {
        this.stop(key, polled);
      }
    }
    for (const [key, run] of this.closed ? [] : wanted) {
      if (!this.polls.has(key)) {
        this.start(key, scope, run);
      }
    }
  }

  /** Ends the polls without waiting for measurements, and lets other processes measure. */
  async close(): Promise<void> {
    this.closed = true;
    this.polls.forEach((polled, key) => this.stop(key, polled));
    await Promise.all(this.stopping);
  }

  private start(key: string, scope: ThrottleScope, run: PolledRun): void {
    const isShared = scope === 'cluster';
    const owner = isShared ? 'cluster' : this.processId;
    const deps = { evaluator: this.evaluator, reporter: this.reporter };
    const loops = this.throttlesOf(run.backfill, scope).map(
      (throttle, index) => new ThrottleLoop(throttle, `${owner}|${index}|${throttle.name}`, run, deps),
    );
    const poll = new RunPoll(loops, isShared ? this.leaseOf(run.backfill.name) : null, LEASE_MS / 3);
    this.polls.set(key, { poll, scope, run });
    if (loops.length > 0) {
      void poll.start();
    }
  }

  private leaseOf(backfill: string): RedisLease {
    return new RedisLease(this.client, this.keys.throttleLease(backfill), this.processId, LEASE_MS);
  }

  private stop(key: string, polled: Polled): void {
    this.polls.delete(key);
    const stopping = this.withdraw(polled).finally(() => this.stopping.delete(stopping));
    this.stopping.add(stopping);
  }

  /**
   * The reports of a throttle that concerns all processes stay until another process, or the next run, has measured it, or they
   * expire: the run is not to go on in between.
   */
  private async withdraw({ poll, scope, run: { backfill } }: Polled): Promise<void> {
    try {
      const reporters = await poll.stop();
      await this.reporter.withdraw(backfill.name, scope === 'process' ? reporters : []);
    } catch (error) {
      // Reports and leases expire.
      this.logger.debug(`[${backfill.name}] The pressure cannot be withdrawn: ${String(error)}`);
    }
  }

  private throttlesOf(backfill: HandledBackfill, wanted: ThrottleScope) {
    return [...this.options.throttles, ...(backfill.throttles ?? [])].filter(
      ({ scope = 'cluster' }) => scope === wanted,
    );
  }
}
