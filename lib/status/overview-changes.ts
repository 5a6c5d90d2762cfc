import type { BackfillOverviewEntry } from './backfill-overview.js';

const RADIX = 36;
/** Another process may have read later than this one has, as requests share a read for a second. */
const AHEAD_MICROS = 2_000_000;

interface RecordedEntry {
  /** The entry as JSON, without what only tells the time. */
  readonly text: string;
  /** Epoch microseconds of the read that first showed it. */
  readonly since: number;
}

/**
 * Remembers when each backfill last changed. A revision is the time of a read by the clock of Redis, so that it also means
 * something to another process: that one answers all that it has seen change since, and what it saw later than it happened.
 */
export class OverviewChanges {
  private recorded: ReadonlyMap<string, RecordedEntry> = new Map();
  /** Epoch microseconds of the first and the last read. */
  private first = Infinity;
  private last = -Infinity;

  /** Records what a read has shown; returns its revision. */
  record(entries: readonly BackfillOverviewEntry[], micros: number): string {
    if (micros <= this.last) {
      // The clock of Redis was set back, as after a failover: no revision is known before it is past that again.
      this.first = this.last + 1;
    }
    this.first = Math.min(this.first, Math.max(micros, this.last + 1));
    this.last = Math.max(this.last, micros);
    this.recorded = new Map(
      entries.map((entry) => {
        const text = JSON.stringify({ ...entry, now: '' });
        const before = this.recorded.get(entry.name);
        return [entry.name, before?.text === text ? before : { text, since: micros }];
      }),
    );
    return micros.toString(RADIX);
  }

  /**
   * Those of the entries that have changed since a revision; all where this process does not know it.
   *
   * @param upTo until when the last read still holds, in epoch microseconds
   */
  since(
    revision: string | undefined,
    entries: readonly BackfillOverviewEntry[],
    upTo = this.last,
  ): readonly BackfillOverviewEntry[] {
    const after =
      revision !== undefined && /^[0-9a-z]{1,12}$/.test(revision) ? parseInt(revision, RADIX) : NaN;
    if (!(after >= this.first && after <= Math.max(upTo, this.last) + AHEAD_MICROS)) {
      return entries;
    }
    return entries.filter(({ name }) => (this.recorded.get(name)?.since ?? Infinity) > after);
  }
}
