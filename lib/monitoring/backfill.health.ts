import { Injectable } from '@nestjs/common';
import { withTimeout } from '../async/timeout.js';
import { BackfillService } from '../backfill.service.js';
import { DatabaseHealth } from '../database/database.health.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { isRunning } from '../state/run-status.js';
import type { BackfillStatus } from '../status/backfill-status.js';

const TIMEOUT_MS = 2_000;

/**
 * Options of `BackfillHealthIndicator.isHealthy`.
 *
 * @publicApi
 */
export interface BackfillHealthOptions {
  /** Names of the backfills to check. Default: all. */
  readonly backfills?: readonly string[];
  /** Whether a backfill is unhealthy whose last run ended with failures. Default `false`. */
  readonly failuresAreDown?: boolean;
  /**
   * Whether a backfill is unhealthy whose run is stalled. Default `false`: every process would be down at once, and a load
   * balancer or an orchestrator would take the whole app away for a run that waits for a lock. Alert on the metric
   * `backfill.run.stalled` or the event `stalled`; turn it on for a check that only tells people.
   */
  readonly stalledAreDown?: boolean;
  /**
   * Whether the backfills are unhealthy while the database does not answer, which costs a query without a table. Turn it
   * off where another indicator checks the database. Default `true`.
   */
  readonly database?: boolean;
  /** Milliseconds that Redis and the database have to answer. Default 2000. */
  readonly timeoutMs?: number;
}

/**
 * Result of a health check as `@nestjs/terminus` expects it: one entry, under the key that was passed.
 *
 * - `status`: `up` or `down`
 * - `backfills`: `state`, `percent`, `outstanding` and `workers` by name of the backfill, and `stalled` with what a stalled run
 *   waits for
 * - `unhealthy`: names of the backfills that are down, if any
 * - `message`: the error, where the status could not be read
 *
 * @publicApi
 */
export type BackfillHealthResult = Record<
  string,
  { readonly status: 'up' | 'down'; readonly [detail: string]: unknown }
>;

/**
 * Health indicator for `HealthCheckService` of `@nestjs/terminus`. It is exported by `BackfillModule`.
 *
 * The status is `down` while Redis or the database does not answer, while a run is running and no process has a worker for it
 * although not all runs are held, with `stalledAreDown` while a run is stalled, and with `failuresAreDown` after a run that ended
 * with failures.
 *
 * @example
 * ```ts
 * @Controller('health')
 * export class HealthController {
 *   constructor(
 *     private readonly health: HealthCheckService,
 *     private readonly backfills: BackfillHealthIndicator,
 *   ) {}
 *
 *   @Get()
 *   @HealthCheck()
 *   check() {
 *     return this.health.check([() => this.backfills.isHealthy('backfills')]);
 *   }
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class BackfillHealthIndicator {
  /** @internal Created by Nest; the parameters are not part of the public API. */
  constructor(
    private readonly backfills: BackfillService,
    private readonly databaseHealth: DatabaseHealth,
    private readonly registry: BackfillRegistry,
  ) {}

  /**
   * Checks Redis, the database and the backfills. Never rejects: an error is reported as `down` with its message.
   *
   * @param key name of the entry in the health check result
   */
  async isHealthy(key: string, options: BackfillHealthOptions = {}): Promise<BackfillHealthResult> {
    const {
      backfills: names,
      failuresAreDown = false,
      stalledAreDown = false,
      database = true,
      timeoutMs = TIMEOUT_MS,
    } = options;
    const databaseProblem = database ? this.databaseHealth.problem(timeoutMs) : null;
    let all: BackfillStatus[];
    try {
      all = await withTimeout(
        this.backfills.list(),
        timeoutMs,
        () => new Error(`Redis did not answer within ${timeoutMs} ms`),
      );
    } catch (error) {
      return { [key]: { status: 'down', message: (error as Error).message } };
    }
    const problem = await databaseProblem;
    if (problem !== null) {
      return { [key]: { status: 'down', message: problem } };
    }
    const chosen = names && new Set([...names, ...names.flatMap((name) => this.registry.partitionsOf(name))]);
    const checked = all.filter(({ name }) => chosen?.has(name) ?? true);
    const unhealthy = checked.filter(
      ({ state, workers, held, stalled }) =>
        (isRunning(state) && workers === 0 && held?.scope !== 'all') ||
        (stalledAreDown && stalled !== null) ||
        (failuresAreDown && state === 'failed'),
    );
    return {
      [key]: {
        status: unhealthy.length > 0 ? 'down' : 'up',
        ...(unhealthy.length > 0 ? { unhealthy: unhealthy.map(({ name }) => name) } : {}),
        backfills: Object.fromEntries(
          checked.map(({ name, state, percent, outstanding, workers, stalled }) => [
            name,
            {
              state,
              percent,
              outstanding,
              workers,
              ...(stalled ? { stalled: `waiting for ${stalled.waitingFor.reason}` } : {}),
            },
          ]),
        ),
      },
    };
  }
}
