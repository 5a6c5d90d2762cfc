import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { isHeldForVersion } from '../config/handler-version.js';
import { LastConfigs } from '../config/last-configs.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';
import { throttleNames } from '../pacing/throttle-names.js';
import { publicCursor } from '../planning/partition-rotation.js';
import type { StoredHold } from '../state/global-hold.js';
import { decodeOverrides } from '../state/override.store.js';
import { pauserOf } from '../state/run-record.js';
import type { RunRecord } from '../state/run-record.js';
import { RunParser } from '../state/run.parser.js';
import { isActive, isRunStatus } from '../state/run-status.js';
import { throughput } from '../state/sample.store.js';
import type { BackfillSample } from '../state/sample.store.js';
import { toStoredError } from '../state/stored-error.js';
import { publicStatus } from '../state/verification.js';
import { LostRunDetector } from '../supervision/lost-run.detector.js';
import { LIBRARY } from '../supervision/run.breaker.js';
import { RunChecker } from '../supervision/run.checker.js';
import type { BackfillFacts } from './backfill-facts.js';
import type { BackfillStatus } from './backfill-status.js';
import { forecastOutcome } from './forecast-outcome.js';
import { IDLE_STATUS } from './idle-status.js';
import { iso, isoOrNull } from './iso-time.js';
import { activeAtOf } from './run-activity.js';
import { estimatedEndOf } from './run-eta.js';
import { partitionsOf } from './run-partitions.js';
import { expectationOf, lateStatusOf } from './run-lateness.js';
import type { RunExpectation } from './run-lateness.js';
import { limitsOf, workersOf } from './run-limits.js';
import { countsOf, percentOf, rateOf } from './run-progress.js';
import { publicStall } from './run-stall.js';
import { throttleWarnings, warningsOf } from './run-warnings.js';
import type { SpeedFacts } from './run-speed.js';
import { speedFactsOf, workedBy } from './speed-facts.js';

const MINUTE_MS = 60_000;

/** What `@Backfill` of this process says. */
type Declared = Pick<BackfillStatus, 'description' | 'paramsSchema' | 'takesParams' | 'throttles'>;

const UNDECLARED: Declared = Object.freeze({
  description: null,
  paramsSchema: null,
  takesParams: false,
  throttles: Object.freeze([]),
});

/** Derives the public status of a backfill from what Redis stores of it. */
@Injectable()
export class StatusBuilder {
  private readonly parser = new RunParser();
  private readonly configs = new LastConfigs();
  /** When the last status was read: those of a list have the same time. */
  private readAt = { now: 0, text: iso(0) };
  /** By the hash, which is the same object where a run is as it was at the last read: to parse it is most of a status. */
  private readonly records = new WeakMap<NonNullable<BackfillFacts['run']>, RunRecord>();
  private readonly declared = new WeakMap<HandledBackfill, Declared>();

  constructor(
    private readonly registry: BackfillRegistry,
    private readonly lostRuns: LostRunDetector,
    private readonly checker: RunChecker,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
  ) {}

  /**
   * @param now epoch ms by the clock of Redis, when the facts were read
   * @param heldAll the hold of all runs; `null` without one
   * @throws BackfillStateError where the state of the run cannot be read
   */
  build(name: string, facts: BackfillFacts, now: number, heldAll: StoredHold | null): BackfillStatus {
    if (facts.error !== null) {
      throw new BackfillStateError(
        `The state of backfill "${name}" cannot be read from Redis: ${facts.error}. Delete the key, which another program wrote.`,
      );
    }
    const backfill = this.registry.find(name);
    const { runId, samples } = facts;
    const run = this.recordOf(name, facts);
    const workers = workersOf(facts, now);
    const overrides = decodeOverrides(facts.overrides, now);
    const declared = this.declaredOf(backfill);
    if (!run) {
      const warnings = this.lostRuns.warnings(name, runId);
      return {
        ...IDLE_STATUS,
        name,
        now: this.timeOf(now),
        ...declared,
        overrides,
        runId,
        workers,
        warnings,
      };
    }
    if (isActive(run.status)) {
      this.lostRuns.remember(name, run.id);
    }
    const worked = workedBy(run, backfill);
    const speedFacts = this.speedOf(name, run, facts, now);
    const config = speedFacts?.config ?? null;
    const callsPerSecond = speedFacts?.callsPerSecond ?? null;
    const speed = measuredSpeedOf(samples, now);
    const { hold, budget, stall, concurrency, facts: ends } = limitsOf(run, facts, speedFacts, now, heldAll);
    const refusal = backfill ? this.checker.knownRefusal(backfill, run) : null;
    return {
      name,
      now: this.timeOf(now),
      ...declared,
      overrides,
      state: publicStatus(run),
      stateSince: isoOrNull(run.stateSince),
      stateReason: run.reason,
      pausedBy: pauserOf(run),
      runId: run.id,
      dryRun: run.dryRun,
      version: run.version,
      adoptVersion: adoptable(run, worked),
      ...countsOf(run),
      rowsTotalKind: run.rowsExact ? 'exact' : 'estimated',
      percent: percentOf(run),
      rangesPerSecond: rounded(speed.ranges),
      rowsPerSecond: rounded(speed.rows),
      eta: ends && isoOrNull(estimatedEndOf(run, ends)),
      late: ends && lateStatusOf(run, ends),
      forecast: forecastOutcome(run, now),
      rate: rateOf(run, now, heldAll, overrides),
      concurrency,
      budget,
      held: hold && { ...hold, since: isoOrNull(hold.since), until: isoOrNull(hold.until) },
      activeAt: isoOrNull(activeAtOf(run, samples)),
      stalled: publicStall(stall),
      throttlePressure: run.status === 'running' ? run.pressure : 0,
      callsPerSecond: callsPerSecond === null ? null : rounded(callsPerSecond),
      workers,
      warnings: [
        ...warningsOf(run, { backfill: worked, workers, config, refusal, now, heldAll }),
        ...throttleWarnings(facts.throttleErrors),
      ],
      cursor: publicCursor(run.partitions ?? [], new Map(Object.entries(run.cursors))),
      partitions: partitionsOf(run, now),
      startedAt: iso(run.startedAt),
      finishedAt: isoOrNull(run.finishedAt),
      startedBy: run.startedBy,
      reason: run.startReason,
      lastError: run.lastError,
    };
  }

  /** What is expected of the run of a backfill by when it should end; `null` where nothing is. */
  expectation(
    name: string,
    facts: BackfillFacts,
    now: number,
    heldAll: StoredHold | null,
  ): RunExpectation | null {
    const run = this.recordOf(name, facts);
    const speed = run && this.speedOf(name, run, facts, now);
    const ends = run && limitsOf(run, facts, speed, now, heldAll).facts;
    return run && ends && expectationOf(run, ends);
  }

  /** As `build`; where the state of the run cannot be read, the status has the error as a warning. */
  buildAnyway(name: string, facts: BackfillFacts, now: number, heldAll: StoredHold | null): BackfillStatus {
    try {
      return this.build(name, facts, now, heldAll);
    } catch (error) {
      return this.corruptStatus(name, facts, now, error);
    }
  }

  private recordOf(name: string, { run }: BackfillFacts): RunRecord | null {
    if (run === null) {
      return null;
    }
    const known = this.records.get(run);
    if (known) {
      return known;
    }
    const record = this.parser.parse(name, run);
    this.records.set(run, record);
    return record;
  }

  private speedOf(name: string, run: RunRecord, facts: BackfillFacts, now: number): SpeedFacts | null {
    const resolve = this.configs.of.bind(this.configs);
    return speedFactsOf(name, run, facts, this.registry.find(name), now, resolve);
  }

  private timeOf(now: number): string {
    if (this.readAt.now !== now) {
      this.readAt = { now, text: iso(now) };
    }
    return this.readAt.text;
  }

  private declaredOf(backfill: HandledBackfill | undefined): Declared {
    if (!backfill) {
      return UNDECLARED;
    }
    const known = this.declared.get(backfill);
    if (known) {
      return known;
    }
    const declared = {
      description: backfill.description ?? null,
      paramsSchema: backfill.paramsSchema?.jsonSchema ?? null,
      takesParams: backfill.paramsSchema !== undefined,
      throttles: Object.freeze(throttleNames(this.options, backfill)),
    };
    this.declared.set(backfill, declared);
    return declared;
  }

  private corruptStatus(name: string, facts: BackfillFacts, now: number, error: unknown): BackfillStatus {
    const stored = toStoredError(error);
    const status = facts.run?.['status'] ?? null;
    // Of a run whose status is corrupt, too, no range starts.
    const state = isRunStatus(status) ? status : 'paused';
    return {
      ...IDLE_STATUS,
      name,
      now: this.timeOf(now),
      ...this.declaredOf(this.registry.find(name)),
      throttles: [],
      overrides: [],
      state,
      stateReason: stored.message,
      // Whoever paused it before, the library does not let it go on.
      pausedBy: state === 'paused' ? LIBRARY : null,
      runId: facts.runId,
      workers: workersOf(facts, now),
      warnings: [stored.message],
      lastError: { ...stored, at: iso(now) },
    };
  }
}

/** The version that the run has to adopt before it goes on with the handler of this process. */
function adoptable(run: RunRecord, backfill: HandledBackfill | undefined): string | null {
  const goesOn = isActive(run.status) || run.status === 'failed';
  return backfill && goesOn && isHeldForVersion(run, backfill) ? backfill.version : null;
}

/** Ranges and rows per second over the last minute. */
function measuredSpeedOf(samples: readonly BackfillSample[], now: number): { ranges: number; rows: number } {
  const newest = samples[0];
  return newest && now - newest.at < MINUTE_MS ? throughput(samples, MINUTE_MS) : { ranges: 0, rows: 0 };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
