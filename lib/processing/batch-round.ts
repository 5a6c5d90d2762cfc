/** What a round of a batch has handled, and what of it was not written. */
export interface BatchRound {
  readonly handled: number;
  readonly missing: number;
  /** Others wrote them meanwhile: they are handled again. */
  readonly changed: readonly unknown[];
  /** Somebody else holds them: they are left for later. */
  readonly locked: readonly unknown[];
}
