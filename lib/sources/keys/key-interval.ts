/** A place in the walk: the values of all its columns, or of the first few. */
export interface KeyBound {
  readonly values: readonly unknown[];
  /** Whether rows with exactly these values belong to the interval. */
  readonly inclusive: boolean;
}

/** A stretch of the walk; a missing bound is open. */
export interface KeyInterval {
  readonly lower?: KeyBound | undefined;
  readonly upper?: KeyBound | undefined;
}
