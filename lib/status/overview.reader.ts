import { Injectable } from '@nestjs/common';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
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
  readonly now: number;
  readonly revision: string;
  readonly entries: readonly BackfillOverviewEntry[];
}

/** Reads the overview of all backfills, at most once a second however many ask for it. */
@Injectable()
export class OverviewReader {
  private readonly changes = new OverviewChanges();
  private shared: { readonly at: number; readonly overview: Promise<Overview> } | undefined;

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly cache: FactsCache,
    private readonly builder: StatusBuilder,
  ) {}

  /** @param after a revision: only the backfills that have changed since are in the answer */
  async overview(after: string | undefined): Promise<BackfillOverview> {
    const { now, revision, entries } = await this.sharedOverview();
    return {
      now: iso(now),
      revision,
      names: entries.map(({ name }) => name),
      backfills: this.changes.since(after, entries),
    };
  }

  private sharedOverview(): Promise<Overview> {
    const at = performance.now();
    if (!this.shared || at - this.shared.at >= SHARED_MS) {
      const shared = { at, overview: this.read() };
      this.shared = shared;
      shared.overview.catch(() => {
        // The next request tries again.
        if (this.shared === shared) this.shared = undefined;
      });
    }
    return this.shared.overview;
  }

  private async read(): Promise<Overview> {
    const { facts, micros } = await this.cache.read(this.registry.all().map(({ name }) => name));
    const now = Math.floor(micros / 1000);
    const entries = [...facts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, own]) => {
        const status = this.builder.buildAnyway(name, own, now);
        return Object.assign(status, { recent: recentRows(own.samples, now) });
      });
    return { now, revision: this.changes.record(entries, micros), entries };
  }
}
