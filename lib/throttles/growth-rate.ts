/** How fast a count grows that never decreases, over the last so many ms. */
export class GrowthRate {
  private readings: { readonly at: number; readonly count: number }[] = [];

  constructor(private readonly spanMs: number) {}

  /**
   * Adds a reading, and returns the growth per second; 0 for the first one, and where the count starts again.
   *
   * @param at ms, of the clock of whoever counts
   */
  add(count: number, at: number): number {
    const newest = this.readings.at(-1);
    if (newest && (count < newest.count || at < newest.at)) {
      this.readings = [];
    }
    // The newest of the readings that are too old is where the window begins.
    const recent = this.readings.findIndex((reading) => at - reading.at < this.spanMs);
    this.readings = recent === -1 ? this.readings.slice(-1) : this.readings.slice(Math.max(0, recent - 1));
    this.readings.push({ at, count });
    const [oldest] = this.readings;
    const seconds = oldest ? (at - oldest.at) / 1_000 : 0;
    return oldest && seconds > 0 ? (count - oldest.count) / seconds : 0;
  }
}
