import type { JsonValue } from '../sources/backfill-source.js';
import type { RangeEntry } from '../state/range-entry.js';
import type { RowSampleStore } from '../state/row-sample.store.js';
import { drawRows } from './draw-rows.js';

/** The keys of rows of a range by their positions; `undefined` where there is no such row. */
type KeysAt = (positions: readonly number[]) => Promise<readonly (JsonValue | undefined)[]>;

/**
 * Chooses the rows that the verification of a run reads again: each row of the walk and of the sweeps with the same
 * probability. They are stored before the handler is given them, so that none of them is missed after a crash.
 */
export class RowSampler {
  /** Rows with larger numbers are not among those that are kept. */
  private limit = 1;

  constructor(
    private readonly store: RowSampleStore,
    private readonly runId: string,
    private readonly size: number,
  ) {}

  /**
   * Adds rows of a range to the sample. Rows by their keys were drawn with their range.
   *
   * @param rows how many rows the range has, at most
   * @param withRange whether a wrong row is processed again with its range
   */
  async add({ payload }: RangeEntry, rows: number, withRange: boolean, keysAt: KeysAt): Promise<void> {
    if (payload.kind === 'rows') {
      return;
    }
    const { partition, range } = payload;
    const drawn = drawRows(
      `${this.runId}|${partition}|${JSON.stringify(range)}`,
      rows,
      this.limit,
      this.size,
    );
    if (drawn.length === 0) {
      return;
    }
    const keys = await keysAt(drawn.map(({ position }) => position));
    const found = drawn.flatMap(({ number }, i) => {
      const key = keys[i];
      return key === undefined
        ? []
        : [{ number, row: withRange ? { partition, key, range } : { partition, key } }];
    });
    if (found.length > 0) {
      this.limit = await this.store.add(this.runId, this.size, found);
    }
  }
}
