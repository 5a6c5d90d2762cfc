/** Says that a batch is not handled, as a rehearsal never handles more rows than it was asked for. */
export function tooManyRows(rows: number, left: number): string {
  return (
    `The source gives a batch of ${rows} rows where ${left} ${left === 1 ? 'is' : 'are'} left to rehearse: it was not ` +
    `handled. Rehearse at least ${rows} rows, or have plan and load of the source honor batchSize.`
  );
}
