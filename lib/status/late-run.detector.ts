import { Injectable, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { nextLateness } from '../state/lateness.js';
import type { Lateness } from '../state/lateness.js';
import type { BackfillEventData } from '../state/backfill-event.js';
import { RunStore } from '../state/run.store.js';
import type { ActiveRuns } from '../supervision/backfill.watchdog.js';
import { FactsStore } from './facts.store.js';
import { isoOrNull } from './iso-time.js';
import { latenessOf } from './run-lateness.js';
import type { RunExpectation } from './run-lateness.js';
import { StatusBuilder } from './status.builder.js';

/** Records of active runs whether they are expected to end later than they should. It changes nothing else of them. */
@Injectable()
export class LateRunDetector {
  private readonly log = new LogOnce(new Logger('Backfill'));

  constructor(
    private readonly facts: FactsStore,
    private readonly builder: StatusBuilder,
    private readonly runs: RunStore,
  ) {}

  /** Checks the runs whose lease this process has in this interval. Never rejects: it is only information. */
  async check({ runs }: ActiveRuns): Promise<void> {
    const due = runs.filter(({ hasLease, hasFinishBy }) => hasLease && hasFinishBy);
    if (due.length === 0) {
      return;
    }
    try {
      await this.checkAll(due.map(({ backfill }) => backfill));
      this.log.recover();
    } catch (error) {
      this.log.warn(`Whether runs will end in time cannot be checked: ${String(error)}`);
    }
  }

  private async checkAll(names: readonly string[]): Promise<void> {
    const { facts, micros, hold } = await this.facts.read(names);
    const now = Math.floor(micros / 1000);
    const expectations = [...facts].map(([name, own]) => this.expectation(name, own, now, hold));
    await Promise.all(expectations.map((expectation) => this.record(expectation, now)));
  }

  /** A run whose state is corrupt hides no other; the watchdog pauses it. */
  private expectation(...about: Parameters<StatusBuilder['expectation']>): RunExpectation | null {
    try {
      return this.builder.expectation(...about);
    } catch (error) {
      if (error instanceof BackfillStateError) {
        return null;
      }
      throw error;
    }
  }

  private async record(expectation: RunExpectation | null, now: number): Promise<void> {
    if (!expectation) {
      return;
    }
    const { run, finishBy, end } = expectation;
    const before = run.lateness;
    const next = nextLateness(before, { finishBy, end, now });
    const changed = next.late !== (before?.late ?? false);
    if (changed || next.turning !== (before?.turning ?? null)) {
      await this.runs.recordLateness(run, next, changed ? eventData(expectation, before, next) : null);
    }
  }
}

function eventData(
  expectation: RunExpectation,
  before: Lateness | null,
  { late, since }: Lateness,
): BackfillEventData['late' | 'onTime'] {
  const { finishBy, eta } = expectation;
  return late
    ? { finishBy, ...latenessOf(expectation) }
    : { finishBy, since: before?.since ?? since, eta: isoOrNull(eta) };
}
