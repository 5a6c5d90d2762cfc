/** Numbers of the last so many ms. Of a series that pauses for longer, the newest is kept. */
export class TimeWindow {
  private values: { readonly at: number; readonly value: number }[] = [];

  constructor(private readonly spanMs: number) {}

  get size(): number {
    return this.values.length;
  }

  /** 0 where there is none. */
  get mean(): number {
    return this.size === 0 ? 0 : this.values.reduce((sum, { value }) => sum + value, 0) / this.size;
  }

  /** @param at ms, of a clock that does not go back */
  add(value: number, at: number): void {
    this.values.push({ at, value });
    this.expire(at);
  }

  /** Drops what is too old by now. */
  expire(now: number): void {
    const newest = this.values.slice(-1);
    const recent = this.values.filter(({ at }) => now - at < this.spanMs);
    this.values = recent.length > 0 ? recent : newest;
  }

  /** The smallest number that is at least as large as this fraction of all; 0 where there is none. */
  quantile(fraction: number): number {
    const sorted = this.values.map(({ value }) => value).toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0;
  }
}
