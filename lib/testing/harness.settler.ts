import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { decideSettlement } from '../processing/decide-settlement.js';
import type { Outcome } from '../processing/range.executor.js';
import { RangeSplitter } from '../processing/range.splitter.js';
import type { BackfillFailure } from '../state/backfill-status.js';
import { entryOf } from './harness-work.js';
import type { HarnessWork } from './harness-work.js';

/** What a settled piece of work leaves behind. */
export interface Settled {
  readonly rowsDone: number;
  /** Work that is to be done in its place. */
  readonly successors: readonly HarnessWork[];
  readonly failures: readonly BackfillFailure[];
}

/** Decides what becomes of work, as the workers do, but waits for nothing. */
export class HarnessSettler {
  private readonly splitter: RangeSplitter;

  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly config: BackfillConfig,
    fork: () => EntityManager,
  ) {
    this.splitter = new RangeSplitter({ fork });
  }

  async settle(work: HarnessWork, outcome: Outcome): Promise<Settled> {
    const { backfill, config, splitter } = this;
    const split = (it: Parameters<RangeSplitter['split']>[1]) => splitter.split(backfill, it);
    const decision = await decideSettlement(
      backfill,
      entryOf(work),
      outcome,
      config,
      split,
      new Date(),
      false,
    );
    if (decision.kind === 'release') {
      // Nothing waits here, so what asks to wait is tried again as an attempt of its own.
      if (work.attempts + 1 >= config.attempts) {
        throw decision.error;
      }
      return { rowsDone: 0, successors: [{ ...work, attempts: work.attempts + 1 }], failures: [] };
    }
    const { successors = [], failures = [] } = decision.settlement ?? {};
    return {
      rowsDone: decision.rows === 'planned' ? work.rows : decision.rows,
      successors: successors.map(({ payload, rows, attempts }) => ({
        index: work.index,
        payload,
        rows,
        attempts,
      })),
      failures: failures.map(({ id, record }) => failureOf(id, record)),
    };
  }
}

function failureOf(id: string, record: string): BackfillFailure {
  const { kind, key, error, attempts, failedAt } = JSON.parse(record) as Omit<BackfillFailure, 'id'>;
  return { id, kind, key, error, attempts, failedAt };
}
