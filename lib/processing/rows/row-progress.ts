import type { FailedRow, Outcome } from '../execution.js';
import { MAX_ROUNDS } from '../guard/rounds.js';
import type { RowState, RowStatus } from './row-state.js';

/** The rows of a range, and what has become of them. */
export class RowProgress {
  private readonly failed: FailedRow[] = [];
  /** Rows that are handled again because others wrote or locked them or contended with them, since the last acknowledgement. */
  private rechecked = 0;

  /**
   * @param missing rows that were planned and not loaded
   * @param changedAgain the error of a row that others wrote in every round
   */
  constructor(
    readonly rows: RowState[],
    readonly missing: number,
    private readonly changedAgain: () => Error,
  ) {}

  markFailed(row: RowState, error: unknown): void {
    row.status = 'failed';
    this.failed.push({ key: row.key, error });
  }

  /** Others wrote a row: it is handled again, unless they did so in every round. */
  markChanged(row: RowState): void {
    this.markContended(row, this.changedAgain());
  }

  /** The database aborted a transaction of its handler on contention: it is handled again, unless it did so in every round. */
  markContended(row: RowState, error: unknown): void {
    row.rounds++;
    if (row.rounds < MAX_ROUNDS) {
      row.status = 'changed';
      this.rechecked++;
    } else {
      this.markFailed(row, error);
    }
  }

  markLocked(row: RowState): void {
    row.status = 'locked';
    this.rechecked++;
  }

  /** Answers how many rows are handled again, and counts anew. */
  takeRechecked(): number {
    const { rechecked } = this;
    this.rechecked = 0;
    return rechecked;
  }

  outcome(): Outcome {
    // A row that was handled, and that others deleted or changed so that it no longer matches, is done.
    const done = this.rows.filter(
      ({ status, rounds }) => status === 'done' || (status === 'gone' && rounds > 0),
    ).length;
    const { failed, missing, rechecked } = this;
    const remaining = this.keysOf('pending', 'changed');
    const locked = this.keysOf('locked');
    return failed.length + remaining.length + locked.length === 0
      ? { kind: 'done', rows: done, missing, rechecked }
      : { kind: 'partial', rows: done, missing, rechecked, failed, remaining, locked };
  }

  private keysOf(...of: readonly RowStatus[]) {
    return this.rows.filter(({ status }) => of.includes(status)).map(({ key }) => key);
  }
}
