import { createHash } from 'node:crypto';
import type { BackfillFailure } from './backfill-failure.js';
import { toPublicFailure } from './failure-record.js';
import type { FailureRecord, StoredFailure } from './failure-record.js';
import { messageTemplate } from './message-template.js';

/** Most groups that are told apart. Beyond, groups of one class become one, so that memory stays bounded. */
const MAX_GROUPS = 500;
/** In the place of a class or a message: any. No error has it. */
const ANY = '\0';
const ANY_SHOWN = '…';

/**
 * Failures of one kind: with errors of the same class, and the same message but for its varying parts.
 *
 * @publicApi
 */
export interface FailureGroup {
  /** For `group` of `failures` and `retryFailures`. The same kind has the same id in every run and process. */
  readonly id: string;
  /** Class of the error. */
  readonly error: string;
  /**
   * The message with `…` in the place of numbers, ids, quoted values, dates and the like. `…` alone: every message of the
   * class, where its messages have too little in common.
   */
  readonly message: string;
  readonly count: number;
  readonly rows: number;
  /** ISO time of the oldest failure. */
  readonly firstAt: string;
  /** ISO time of the newest failure. */
  readonly lastAt: string;
  /** The newest failure. */
  readonly example: BackfillFailure;
}

/**
 * The failures of a run by kind.
 *
 * @publicApi
 */
export interface FailureGroups {
  /** Failures in all groups. */
  readonly total: number;
  /** Largest first. */
  readonly groups: readonly FailureGroup[];
}

type OpenGroup = { -readonly [K in keyof FailureGroup]: FailureGroup[K] };

/** Whether a failure belongs to the group of this id. A class, and all failures together, are groups, too. */
export function isInGroup({ error }: FailureRecord, group: string): boolean {
  return (
    group === groupId(error.name, messageTemplate(error.message)) ||
    group === groupId(error.name, ANY) ||
    group === groupId(ANY, ANY)
  );
}

/** Groups failures one by one, newest first, in bounded memory. */
export class FailureGrouping {
  private total = 0;
  private readonly classes = new Map<string, Map<string, OpenGroup>>();
  private size = 0;

  add({ id, record }: StoredFailure): void {
    this.total++;
    const name = this.classes.has(ANY) ? ANY : record.error.name;
    const templates = this.classes.get(name) ?? new Map<string, OpenGroup>();
    this.classes.set(name, templates);
    const message = templates.has(ANY) ? ANY : messageTemplate(record.error.message);
    const known = templates.get(message);
    if (known) {
      merge(known, { count: 1, rows: record.rows, firstAt: record.failedAt, lastAt: record.failedAt });
      return;
    }
    templates.set(message, {
      id: groupId(name, message),
      error: shown(name),
      message: shown(message),
      count: 1,
      rows: record.rows,
      firstAt: record.failedAt,
      lastAt: record.failedAt,
      example: toPublicFailure(id, record),
    });
    this.size++;
    if (this.size > MAX_GROUPS) {
      this.collapse();
    }
  }

  result(): FailureGroups {
    const groups = [...this.classes.values()].flatMap((templates) => Array.from(templates.values()));
    return { total: this.total, groups: groups.toSorted(bySize) };
  }

  /** Makes one group of the class with the most groups, or of all classes where each has one group. */
  private collapse(): void {
    let [widest, templates] = ['', new Map<string, OpenGroup>()];
    for (const [name, found] of this.classes) {
      if (found.size > templates.size) {
        [widest, templates] = [name, found];
      }
    }
    if (templates.size > 1) {
      this.classes.set(widest, new Map([[ANY, mergeAll(widest, [...templates.values()])]]));
    } else {
      const all = [...this.classes.values()].flatMap((found) => Array.from(found.values()));
      this.classes.clear();
      this.classes.set(ANY, new Map([[ANY, mergeAll(ANY, all)]]));
    }
    this.size = [...this.classes.values()].reduce((sum, found) => sum + found.size, 0);
  }
}

function mergeAll(error: string, groups: readonly OpenGroup[]): OpenGroup {
  const [first, ...others] = groups as [OpenGroup, ...OpenGroup[]];
  const merged: OpenGroup = { ...first, id: groupId(error, ANY), error: shown(error), message: ANY_SHOWN };
  others.forEach((group) => merge(merged, group));
  return merged;
}

function merge(into: OpenGroup, other: Pick<OpenGroup, 'count' | 'rows' | 'firstAt' | 'lastAt'>): void {
  into.count += other.count;
  into.rows += other.rows;
  into.firstAt = other.firstAt < into.firstAt ? other.firstAt : into.firstAt;
  into.lastAt = other.lastAt > into.lastAt ? other.lastAt : into.lastAt;
}

/** Largest first, and the one that failed last first of those of a size. */
function bySize(a: OpenGroup, b: OpenGroup): number {
  return b.count - a.count || (a.lastAt < b.lastAt ? 1 : a.lastAt > b.lastAt ? -1 : 0);
}

function shown(part: string): string {
  return part === ANY ? ANY_SHOWN : part;
}

function groupId(error: string, message: string): string {
  return createHash('sha1').update(`${error}\0${message}`).digest('base64url').slice(0, 16);
}
