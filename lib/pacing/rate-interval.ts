const MICROS_PER_S = 1_000_000;
const HELD = -1;
const UNPACED = 0;

/** A rate as the scripts keep it: microseconds between two ranges, 0 for an unpaced run, -1 for a held one. */
export function toInterval(perSecond: number | null): number {
  if (perSecond === null) {
    return UNPACED;
  }
  return perSecond === 0 ? HELD : Math.max(1, Math.round(MICROS_PER_S / perSecond));
}

/** The inverse of {@link toInterval}; unpaced where no rate was applied yet. */
export function fromInterval(interval = UNPACED): number | null {
  if (interval === UNPACED) {
    return null;
  }
  return interval < 0 ? 0 : MICROS_PER_S / interval;
}
