import type { ActionOptions } from './run-actions.js';

/** The `backfill` of an event that is about all of them; no backfill has this name. */
export const EVERY_BACKFILL = '*';

/**
 * Options of `hold`.
 *
 * @publicApi
 */
export interface HoldOptions extends ActionOptions {
  /** For the status of all runs, the history and the log. */
  readonly reason: string;
  /** When the hold ends by itself, by the clock of Redis. Default: when `release` is called. */
  readonly until?: Date | string | number;
}

/**
 * The hold of all runs.
 *
 * @publicApi
 */
export interface GlobalHold {
  readonly reason: string;
  /** Who holds them; `null` where no name was given. */
  readonly by: string | null;
  /** ISO time. */
  readonly since: string;
  /** ISO time; `null`: until it is released. */
  readonly until: string | null;
}

/**
 * Result of `hold` and `release`.
 *
 * @publicApi
 */
export interface HoldReceipt {
  /** The hold in force; `null` where there is none. */
  readonly hold: GlobalHold | null;
  /** False when nothing had to change, as when nothing was held that is released. */
  readonly changed: boolean;
}

/** The hold of all runs in epoch ms. */
export interface StoredHold {
  readonly reason: string;
  readonly by: string | null;
  readonly since: number;
  readonly until: number | null;
}

/** Reads what `global_hold_json` of the prelude writes. */
export function decodeHold(json: string): StoredHold | null {
  return json === '' ? null : (JSON.parse(json) as StoredHold);
}

export function publicHold(hold: StoredHold): GlobalHold {
  const { reason, by, since, until } = hold;
  return {
    reason,
    by,
    since: new Date(since).toISOString(),
    until: until === null ? null : new Date(until).toISOString(),
  };
}

/** `held by ada until …: reason`, for logs and errors. */
export function describeHold({ reason, by, until }: GlobalHold): string {
  return `held${by === null ? '' : ` by ${by}`}${until === null ? '' : ` until ${until}`}: ${reason}`;
}
