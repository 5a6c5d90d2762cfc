import { Injectable } from '@nestjs/common';
import { isComplete } from './backfill-facts.js';
import type { BackfillFacts, RunningFacts } from './backfill-facts.js';
import { FactsStore } from './facts.store.js';
import type { FactsReading } from './facts.store.js';

/** After this long without a read, everything is read again: Redis does not keep all events. */
const FORGET_MS = 10_000;
/** A paused run may still change for a moment, as its ranges in flight end. */
const PAUSED_MS = 5_000;
/** All else changes with an event. This bounds how long what other programs do to Redis stays unseen. */
const OTHERS_MS = 60_000;

interface CachedFacts {
  readonly facts: BackfillFacts;
  /** By `performance.now()`, when they were read in full. */
  readonly at: number;
}

/** What was read of all backfills, brought up to date by reading only what may have changed. */
@Injectable()
export class FactsCache {
  private cached: ReadonlyMap<string, CachedFacts> = new Map();
  private last: { readonly event: string; readonly at: number } | undefined;

  constructor(private readonly store: FactsStore) {}

  /** Reads these backfills and those with an active run. */
  async read(handled: readonly string[]): Promise<FactsReading<BackfillFacts>> {
    const at = performance.now();
    const reading = (await this.readChanges(handled, at)) ?? (await this.store.readAll(handled));
    const names = new Set([...handled, ...reading.active]);
    this.cached = new Map([...names].flatMap((name) => this.entry(name, reading.facts.get(name), at)));
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
    const reading = await this.store.readSince(this.last.event, stale);
    const isKnown = reading?.active.every((name) => this.cached.has(name) || isFull(reading.facts.get(name)));
    return isKnown ? reading : null;
  }

  private isStale(name: string, at: number): boolean {
    const cached = this.cached.get(name);
    if (!cached) {
      return true;
    }
    const isPaused = cached.facts.run?.['status'] === 'paused';
    return at - cached.at >= (isPaused ? PAUSED_MS : OTHERS_MS);
  }

  private entry(
    name: string,
    facts: BackfillFacts | RunningFacts | undefined,
    at: number,
  ): [string, CachedFacts][] {
    const before = this.cached.get(name);
    if (facts && isComplete(facts)) {
      return [[name, { facts, at }]];
    }
    return before ? [[name, { facts: { ...before.facts, ...facts }, at: before.at }]] : [];
  }
}

function isFull(facts: BackfillFacts | RunningFacts | undefined): boolean {
  return facts !== undefined && isComplete(facts);
}
