/** What is wrong with a file, in the parts of a `BackfillSourceError`, which names the backfill, too. */
export class ContentProblem extends Error {
  constructor(
    readonly field: string,
    readonly expected: string,
    readonly received: string,
    readonly remedy = 'Correct the file, then start a run.',
    options?: ErrorOptions,
  ) {
    super(`expected ${expected}, got ${received}`, options);
  }
}
