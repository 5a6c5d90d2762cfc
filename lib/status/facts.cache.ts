import { Injectable } from '@nestjs/common';
import { aliveProcesses } from '../state/worker.heartbeats.js';
import { isComplete } from './backfill-facts.js';
import type { BackfillFacts, RunningFacts } from './backfill-facts.js';
import { FactsStore } from './facts.store.js';
import type { FactsReading } from './facts.store.js';

/** After this long without a read, everything is read again: Redis does not keep all events. */
const FORGET_MS = 120_000;
/** A paused run may still change while it has workers, as its ranges in flight end. */
const PAUSED_MS = 5_000;
/**
 * All else changes with an event. One backfill that was not read for this long is read again with each read, so that what
 * other programs do to Redis is seen in the end.
 */
const OTHERS_MS = 60_000;
/** While nothing changes, all is read this often. */
const QUIET_MS = 60_000;

interface CachedFacts {
  readonly facts: BackfillFacts;
  /** By `performance.now()`, when they were read in full. */
  readonly at: number;
  /** Whether it may change without an event. */
  readonly moves: 'always' | 'while it ends' | 'no';
}

/** What was read of all backfills, brought up to date by reading only what may have changed. */
@Injectable()
export class FactsCache {
  private cached: ReadonlyMap<string, CachedFacts> = new Map();
  private last: { readonly event: string; readonly at: number } | undefined;

  constructor(private readonly store: FactsStore) {}

  /** Whether a read would show what the last one did, as no run is moving and there is no newer event; asks with one command. */
  async isCurrent(): Promise<boolean> {
    const { last } = this;
    return (
      last !== undefined &&
      performance.now() - last.at < QUIET_MS &&
      [...this.cached.values()].every(({ moves }) => moves === 'no') &&
      (await this.store.newestEvent()) === last.event
    );
  }

  /** Reads these backfills and those with an active run. */
  async read(handled: readonly string[]): Promise<FactsReading<BackfillFacts>> {
    const at = performance.now();
    const reading = (await this.readChanges(handled, at)) ?? (await this.store.readAll(handled));
    const names = new Set([...handled, ...reading.active]);
    this.cached = new Map(
      [...names].flatMap((name) => this.entry(name, reading.facts.get(name), at, reading.micros)),
    );
    this.last = { event: reading.event, at };
    return { ...reading, facts: new Map([...this.cached].map(([name, { facts }]) => [name, facts])) };
  }

  /** `null` where everything has to be read. */
  private async readChanges(
    handled: readonly string[],
    at: number,
  ): Promise<FactsReading<BackfillFacts | RunningFacts> | null> {
    if (!this.last || at - this.last.at > FORGET_MS) {
      return null;
    }
    const names = new Set([...handled, ...this.cached.keys()]);
    const stale = [...names].filter((name) => this.isStale(name, at));
    const oldest = this.oldest(at);
    if (oldest !== undefined && !stale.includes(oldest)) {
      stale.push(oldest);
    }
    const reading = await this.store.readSince(this.last.event, stale);
    const isKnown = reading?.active.every((name) => this.cached.has(name) || isFull(reading.facts.get(name)));
    return isKnown ? reading : null;
  }

  private isStale(name: string, at: number): boolean {
    const cached = this.cached.get(name);
    if (!cached) {
      return true;
    }
    return cached.moves === 'while it ends' && at - cached.at >= PAUSED_MS;
  }

  /** The backfill that was not read in full for longest, where that is long. */
  private oldest(at: number): string | undefined {
    const [oldest] = [...this.cached].toSorted(([, one], [, other]) => one.at - other.at);
    return oldest && at - oldest[1].at >= OTHERS_MS ? oldest[0] : undefined;
  }

  private entry(
    name: string,
    facts: BackfillFacts | RunningFacts | undefined,
    at: number,
    micros: number,
  ): [string, CachedFacts][] {
    const before = this.cached.get(name);
    if (facts && isComplete(facts)) {
      return [[name, { facts, at, moves: movesOf(facts, micros) }]];
    }
    if (!before) {
      return [];
    }
    const merged = { ...before.facts, ...facts };
    return [[name, { facts: merged, at: before.at, moves: facts ? movesOf(merged, micros) : before.moves }]];
  }
}

function movesOf({ run, heartbeats }: BackfillFacts, micros: number): CachedFacts['moves'] {
  if (run?.['status'] === 'running') {
    return 'always';
  }
  return aliveProcesses(heartbeats, micros / 1000).length > 0 ? 'while it ends' : 'no';
}

function isFull(facts: BackfillFacts | RunningFacts | undefined): boolean {
  return facts !== undefined && isComplete(facts);
}
