import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { decideSettlement } from '../processing/decide-settlement.js';
import type { Outcome } from '../processing/execution.js';
import { RangeSplitter } from '../processing/range.splitter.js';
import type { BackfillFailure } from '../state/backfill-failure.js';
import { parseFailure, toPublicFailure } from '../state/failure-record.js';
import { toClaimedEntry } from './harness-entry.js';
import type { HarnessEntry } from './harness-entry.js';

/** Result of settling one entry. */
export interface SettledEntry {
  readonly rowsDone: number;
  /** Entries that replace it: a retry, or the parts of a split. */
  readonly successors: readonly HarnessEntry[];
  readonly failures: readonly BackfillFailure[];
}

/** Settles entries by the rules of the workers, without waiting for backoff, quotas or outages of the database. */
export class HarnessSettler {
  private readonly splitter: RangeSplitter;
  private succeeded = false;

  constructor(
    private readonly backfill: RegisteredBackfill,
    private readonly config: BackfillConfig,
    fork: () => EntityManager,
  ) {
    this.splitter = new RangeSplitter({ fork });
  }

  async settle(entry: HarnessEntry, outcome: Outcome): Promise<SettledEntry> {
    const { backfill, config, splitter } = this;
    const decision = await decideSettlement(outcome, {
      backfill,
      entry: toClaimedEntry(entry),
      config,
      aborted: false,
      now: new Date(),
      concernsRun: (error) => this.concernsRun(error, entry),
      split: (range) => splitter.split({ backfill }, range, new AbortController().signal),
    });
    switch (decision.kind) {
      case 'ack': {
        const rowsDone = decision.rows === 'planned' ? entry.rows : decision.rows;
        this.succeeded = true;
        return { rowsDone, successors: [], failures: [] };
      }
      case 'release':
        // A worker would wait and uses up no attempt. The harness counts one instead, so that it terminates.
        if (entry.attempts + 1 >= config.attempts) {
          throw decision.error;
        }
        return { rowsDone: 0, successors: [{ ...entry, attempts: entry.attempts + 1 }], failures: [] };
      case 'settle': {
        const { rowsDone, successors, failures } = decision.settlement;
        this.succeeded ||= rowsDone > 0;
        return {
          rowsDone,
          successors: successors.map(({ payload, rows, attempts }) => ({
            index: entry.index,
            payload,
            rows,
            attempts,
          })),
          failures: failures.map(({ id, record }) => toPublicFailure(id, parseFailure(record))),
        };
      }
      default:
        return decision satisfies never;
    }
  }
  /** A worker would pause the run. The harness throws the error, unless others have succeeded. */
  private async concernsRun(error: unknown, { attempts }: HarnessEntry): Promise<boolean> {
    if (!this.succeeded && attempts === 0) {
      throw error;
    }
    return false;
  }
}
