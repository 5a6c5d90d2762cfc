import { Injectable } from '@nestjs/common';
import { parseLimit } from '../config/parse-limit.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { FailurePage, FailurePageRequest } from '../state/backfill-failure.js';
import { FailureGrouping, isInGroup } from '../state/failure-group.js';
import type { FailureGroups } from '../state/failure-group.js';
import { parseFailure, toPublicFailure } from '../state/failure-record.js';
import type { FailureRecord, StoredFailure } from '../state/failure-record.js';
import { FailureStore } from '../state/failure.store.js';
import { RunStore } from '../state/run.store.js';
import { BackfillLedger } from './backfill.ledger.js';
import { LedgerStore } from './ledger.store.js';

const FAILURES_PER_PAGE = 50;
const READ_AT_ONCE = 500;
/** Most failures that a page with a filter reads. It then ends early, so that no request takes long. */
const MAX_READ = 50_000;
const MAX_SEARCH_LENGTH = 200;
/** Runs of which the groups are kept until their failures change. */
const KEPT_RUNS = 10;

const NO_GROUPS: FailureGroups = { total: 0, groups: [] };

/** Returns failures before a sequence, newest first. */
type ReadFailures = (before: number | undefined, limit: number) => Promise<StoredFailure[]>;

/** Reads and groups failures from Redis, and those of runs that Redis no longer has from the ledger. */
@Injectable()
export class FailureReader {
  private readonly grouped = new Map<string, { revision: string; groups: Promise<FailureGroups> }>();

  constructor(
    private readonly ledger: BackfillLedger,
    private readonly ledgerStore: LedgerStore,
    private readonly runStore: RunStore,
    private readonly failureStore: FailureStore,
  ) {}

  /** A page of failures of one run, newest first. */
  async page(backfill: string, request: FailurePageRequest): Promise<FailurePage> {
    const limit = parseLimit(backfill, request.limit, FAILURES_PER_PAGE);
    const { after, search } = request;
    if (after !== undefined && !/^\d{1,15}$/.test(after)) {
      throw new BackfillRequestError(backfill, 'after', 'the `next` of the previous page', after);
    }
    if (search !== undefined && search.length > MAX_SEARCH_LENGTH) {
      throw new BackfillRequestError(backfill, 'search', `at most ${MAX_SEARCH_LENGTH} characters`, search);
    }
    const runId = request.runId ?? (await this.runStore.newestId(backfill));
    if (runId === null) {
      return { items: [], next: null };
    }
    const before = after === undefined ? undefined : Number(after);
    const { failures, next } = await this.reading(
      backfill,
      runId,
      (read) => select(read, before, limit, filterOf(request)),
      { failures: [], next: null },
    );
    return {
      items: failures.map(({ id, record }) => toPublicFailure(id, record)),
      next: next === null ? null : String(next),
    };
  }

  /** All failures of one run by kind. */
  async groups(backfill: string, runId?: string): Promise<FailureGroups> {
    const id = runId ?? (await this.runStore.newestId(backfill));
    if (id === null) {
      return NO_GROUPS;
    }
    const revision = await this.failureStore.revision(id);
    const kept = this.grouped.get(id);
    if (kept?.revision === revision) {
      return kept.groups;
    }
    const groups = this.reading(backfill, id, group, NO_GROUPS);
    if (await this.runStore.status(id)) {
      this.keep(id, revision, groups);
    }
    return groups;
  }

  private keep(runId: string, revision: string, groups: Promise<FailureGroups>): void {
    this.grouped.delete(runId);
    this.grouped.set(runId, { revision, groups });
    groups.catch(() => this.grouped.delete(runId));
    const [oldest] = this.grouped.keys();
    if (this.grouped.size > KEPT_RUNS && oldest !== undefined) {
      this.grouped.delete(oldest);
    }
  }

  /** @param none the result where the backfill has no such run, or the ledger cannot be reached */
  private async reading<T>(
    backfill: string,
    runId: string,
    use: (read: ReadFailures) => Promise<T>,
    none: T,
  ): Promise<T> {
    const live = await this.runStore.read(runId);
    if (live) {
      return live.name === backfill
        ? use((before, limit) => this.failureStore.newest(runId, before, limit))
        : none;
    }
    const read: ReadFailures = async (before, limit) =>
      (await this.ledgerStore.newestFailures(runId, before, limit)).map(
        ({ failureId, sequence, record }) => ({ id: failureId, sequence, record: parseFailure(record) }),
      );
    const found = await this.ledger.read(async () =>
      (await this.ledgerStore.run(backfill, runId)) ? use(read) : none,
    );
    return found ?? none;
  }
}

type Filter = (failure: StoredFailure) => boolean;

/** Reads until a page is full; `next` is where the next page begins. */
async function select(
  read: ReadFailures,
  start: number | undefined,
  limit: number,
  filter: Filter | null,
): Promise<{ failures: StoredFailure[]; next: number | null }> {
  const failures: StoredFailure[] = [];
  let before = start;
  for (let done = 0; done < MAX_READ; done += READ_AT_ONCE) {
    const size = filter ? READ_AT_ONCE : limit;
    const found = await read(before, size);
    for (const failure of found) {
      before = failure.sequence;
      if (!filter || filter(failure)) {
        failures.push(failure);
        if (failures.length === limit) {
          return { failures, next: before };
        }
      }
    }
    if (found.length < size) {
      return { failures, next: null };
    }
  }
  return { failures, next: before ?? null };
}

async function group(read: ReadFailures): Promise<FailureGroups> {
  const grouping = new FailureGrouping();
  for (let before: number | undefined; ;) {
    const failures = await read(before, READ_AT_ONCE);
    failures.forEach((failure) => grouping.add(failure));
    before = failures.at(-1)?.sequence;
    if (failures.length < READ_AT_ONCE) {
      return grouping.result();
    }
  }
}

/** `null` where the page has none. */
function filterOf({ group, search }: FailurePageRequest): Filter | null {
  if (group === undefined && !search) {
    return null;
  }
  const words = search?.toLowerCase() ?? '';
  return ({ id, record }) =>
    (group === undefined || isInGroup(record, group)) && (words === '' || textOf(id, record).includes(words));
}

/** What a search looks through. */
function textOf(id: string, { key, error }: FailureRecord): string {
  return `${id}\n${typeof key === 'string' ? key : JSON.stringify(key)}\n${error.name}: ${error.message}`.toLowerCase();
}
