import { Injectable } from '@nestjs/common';
import { withTimeout } from '../async/timeout.js';
import { BackfillService } from '../backfill.service.js';
import type { BackfillStatus } from '../state/backfill-status.js';

const TIMEOUT_MS = 2_000;

/** What a health check is to look at. */
export interface BackfillHealthOptions {
  /** Names of the backfills. Default: all. */
  readonly backfills?: readonly string[];
  /** Whether a run that ended with failures is unhealthy. Default `false`. */
  readonly failuresAreDown?: boolean;
  /** Milliseconds that Redis has to answer. Default 2000. */
  readonly timeoutMs?: number;
}

/** What `@nestjs/terminus` takes for the health of a part: the key that was given, and what is known. */
export type BackfillHealthResult = Record<
  string,
  { readonly status: 'up' | 'down'; readonly [detail: string]: unknown }
>;

/**
 * The health of the backfills, for `HealthCheckService` of `@nestjs/terminus`: down when Redis does not
 * answer, or when a run is running and no process works for it.
 *
 * @example
 * ```ts
 * this.health.check([() => this.backfills.isHealthy('backfills')])
 * ```
 *
 * @publicApi
 */
@Injectable()
export class BackfillHealthIndicator {
  constructor(private readonly backfills: BackfillService) {}

  /** Never throws: what is wrong stands in the answer. */
  async isHealthy(key: string, options: BackfillHealthOptions = {}): Promise<BackfillHealthResult> {
    const { backfills: names, failuresAreDown = false, timeoutMs = TIMEOUT_MS } = options;
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
    const looked = all.filter(({ name }) => names?.includes(name) ?? true);
    const bad = looked.filter(
      ({ state, workers }) =>
        (state === 'running' && workers === 0) || (failuresAreDown && state === 'failed'),
    );
    return {
      [key]: {
        status: bad.length > 0 ? 'down' : 'up',
        ...(bad.length > 0 ? { unhealthy: bad.map(({ name }) => name) } : {}),
        backfills: Object.fromEntries(
          looked.map(({ name, state, percent, outstanding, workers }) => [
            name,
            { state, percent, outstanding, workers },
          ]),
        ),
      },
    };
  }
}
