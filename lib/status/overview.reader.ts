import { Injectable } from '@nestjs/common';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { publicHold } from '../state/global-hold.js';
import type { GlobalHold } from '../state/global-hold.js';
import type { BackfillOverview, BackfillOverviewEntry } from './backfill-overview.js';
import { FactsCache } from './facts.cache.js';
import { iso } from './iso-time.js';
import { OverviewChanges } from './overview-changes.js';
import { recentRows } from './recent-rows.js';
import { StatusBuilder } from './status.builder.js';

/** Requests that come within this time share a read of Redis. */
const SHARED_MS = 1_000;

/** All backfills, as one read of Redis showed them. */
interface Overview {
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** By `performance.now()`, when Redis had answered. */
  readonly readAt: number;
  readonly revision: string;
  readonly hold: GlobalHold | null;
  readonly entries: readonly BackfillOverviewEntry[];
}

interface SharedRead {
  /** By `performance.now()`, when it began. */
  readonly at: number;
  readonly overview: Promise<Overview>;
  pending: boolean;
}

/**
 * Reads the overview of all backfills, at most once a second however many ask for it. While no run is moving, that is one
 * command, which asks whether anything has happened.
 */
@Injectable()
export class OverviewReader {
  private readonly changes = new OverviewChanges();
  private shared: SharedRead | undefined;
  private last: Overview | undefined;

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly cache: FactsCache,
    private readonly builder: StatusBuilder,
  ) {}

  /** @param after a revision: only the backfills that have changed since are in the answer */
  async overview(after: string | undefined): Promise<BackfillOverview> {
    const { now, readAt, revision, hold, entries } = await this.sharedOverview();
    // What still holds is of this moment.
    const millis = now + Math.floor(performance.now() - readAt);
    const current = iso(millis);
    const changed = this.changes.since(after, entries, millis * 1000);
    return {
      now: current,
      revision,
      hold,
      names: entries.map(({ name }) => name),
      backfills: changed.map((entry) => entryAt(entry, current)),
    };
  }

  /** A read that Redis has not answered is shared, too: during an outage more of them would queue up. */
  private sharedOverview(): Promise<Overview> {
    const at = performance.now();
    const { shared } = this;
    if (shared && (shared.pending || at - shared.at < SHARED_MS)) {
      return shared.overview;
    }
    const read: SharedRead = { at, pending: true, overview: this.current() };
    this.shared = read;
    void this.settle(read);
    return read.overview;
  }

  private async settle(read: SharedRead): Promise<void> {
    try {
      await read.overview;
      read.pending = false;
    } catch {
      // The next request tries again.
      this.shared = undefined;
    }
  }

  /** The last one where nothing can have changed since. */
  private async current(): Promise<Overview> {
    if (!this.last || !(await this.cache.isCurrent())) {
      this.last = await this.read();
    }
    return this.last;
  }

  private async read(): Promise<Overview> {
    const { facts, micros, hold } = await this.cache.read(this.registry.all().map(({ name }) => name));
    const readAt = performance.now();
    const now = Math.floor(micros / 1000);
    const entries = [...facts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, own]) => {
        const status = this.builder.buildAnyway(name, own, now, hold);
        return Object.assign(status, { recent: recentRows(own.samples, now) });
      });
    const revision = this.changes.record(entries, micros);
    return { now, readAt, revision, hold: hold && publicHold(hold), entries };
  }
}

function entryAt(entry: BackfillOverviewEntry, now: string): BackfillOverviewEntry {
  return { ...entry, now };
}
