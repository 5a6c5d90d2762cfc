/** What became of each row; `skipped` were never begun. */
export interface RowOutcomes<Row> {
  readonly done: readonly Row[];
  readonly failed: readonly { readonly row: Row; readonly error: unknown }[];
  readonly skipped: readonly Row[];
}

/**
 * Handles rows, so many at once. A row that throws does not stop the others; once `stopped` says so, no
 * further row is begun. `concurrency` is asked anew before each row.
 */
export function handleRows<Row>(
  rows: readonly Row[],
  concurrency: () => number,
  handle: (row: Row) => Promise<void> | void,
  stopped: () => boolean,
): Promise<RowOutcomes<Row>> {
  const done: Row[] = [];
  const failed: { row: Row; error: unknown }[] = [];
  let next = 0;
  let active = 0;
  return new Promise((resolve) => {
    const begin = async (row: Row) => {
      active++;
      try {
        await handle(row);
        done.push(row);
      } catch (error) {
        failed.push({ row, error });
      }
      active--;
      advance();
    };
    const advance = () => {
      while (next < rows.length && !stopped() && active < Math.max(1, concurrency())) {
        void begin(rows[next++] as Row);
      }
      if (active === 0 && (next === rows.length || stopped())) {
        resolve({ done, failed, skipped: rows.slice(next) });
      }
    };
    advance();
  });
}
