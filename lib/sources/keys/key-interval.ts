/** A bound of an interval of keys: values of all sort columns, or of a leading prefix of them. */
export interface KeyBound {
  readonly values: readonly unknown[];
  /** Whether rows with exactly these values belong to the interval. */
  readonly inclusive: boolean;
}

/** An interval of keys in the source's order; a missing bound leaves that end open. */
export interface KeyInterval {
  readonly lower?: KeyBound | undefined;
  readonly upper?: KeyBound | undefined;
}

/** The interval from `first` to `last`, both inclusive. */
export function closedInterval(first: readonly unknown[], last: readonly unknown[]): KeyInterval {
  return { lower: { values: first, inclusive: true }, upper: { values: last, inclusive: true } };
}
