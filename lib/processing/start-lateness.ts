/** Timers end this much late on a process that has time. */
const USUAL_MS = 2;
/** What is usual is forgotten by half in so many ms. */
const HALF_LIFE_MS = 1_000;

/**
 * Starts of ranges that came late because their process stood still. They come together then, and with those
 * that follow there would be more in a second than the rate allows: the next claim is told by how much.
 */
export class StartLateness {
  private usual = USUAL_MS;
  private usualAt = 0;
  private untold = 0;

  /**
   * A range began so many ms after its moment. A process that is always late by the same begins its ranges
   * evenly: only what is more than usual counts.
   *
   * @param now ms of a clock that never goes back
   */
  note(lateMs: number, now: number): void {
    const faded = this.usual * 0.5 ** ((now - this.usualAt) / HALF_LIFE_MS);
    const usual = Math.max(USUAL_MS, faded);
    this.untold = Math.max(this.untold, lateMs - usual);
    this.usual = Math.max(usual, lateMs);
    this.usualAt = now;
  }

  /** Ms that were not told yet. */
  tell(): number {
    const { untold } = this;
    this.untold = 0;
    return untold;
  }
}
