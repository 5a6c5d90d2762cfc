const MICROS_PER_S = 1_000_000;
/** `unpaced` and `held` as the scripts store them. */
const UNPACED = 0;
const HELD = -1;

/** How fast the ranges of a run start. */
export type Pace =
  /** As fast as workers take them. */
  | { readonly kind: 'unpaced' }
  /** Not at all: the rate is 0. */
  | { readonly kind: 'held' }
  /** So many ranges a second. */
  | { readonly kind: 'paced'; readonly perSecond: number };

/** The pace of a rate of the config: `null` is unpaced, 0 holds. */
export function toPace(perSecond: number | null): Pace {
  if (perSecond === null) {
    return { kind: 'unpaced' };
  }
  return perSecond === 0 ? { kind: 'held' } : { kind: 'paced', perSecond };
}

/** The rate of a pace, as config, status and samples state it: `null` is unpaced, 0 holds. */
export function toPerSecond(pace: Pace): number | null {
  switch (pace.kind) {
    case 'unpaced':
      return null;
    case 'held':
      return 0;
    default:
      return pace.perSecond;
  }
}

/**
 * A rate to show: its pace is stored in whole microseconds, so that 7.5 ranges a second are 7.50002. Five digits are exact
 * for a rate of the config that has no more.
 */
export function roundedRate<Rate extends number | null>(perSecond: Rate): Rate {
  return (perSecond === null ? null : Number(perSecond.toPrecision(5))) as Rate;
}

/** A pace as the run stores it: microseconds between two ranges, 0 unpaced, -1 held. */
export function encodePace(pace: Pace): number {
  switch (pace.kind) {
    case 'unpaced':
      return UNPACED;
    case 'held':
      return HELD;
    default:
      return Math.max(1, Math.round(MICROS_PER_S / pace.perSecond));
  }
}

/** Reads what `encodePace` wrote; unpaced where no rate has been applied yet. */
export function decodePace(interval = UNPACED): Pace {
  if (interval === UNPACED) {
    return { kind: 'unpaced' };
  }
  return interval < 0 ? { kind: 'held' } : { kind: 'paced', perSecond: MICROS_PER_S / interval };
}
