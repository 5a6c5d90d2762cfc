import { Inject, Injectable, Logger } from '@nestjs/common';
import { LogOnce } from '../async/log-once.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { parseRun } from '../state/run-record.js';
import type { RunRecord } from '../state/run-record.js';
import { SampleStore } from '../state/sample.store.js';
import type { StallCause } from '../state/stall.js';
import { WorkReportStore } from '../state/work-report.store.js';
import { aliveProcesses } from '../state/worker.heartbeats.js';
import type { BackfillFacts } from '../status/backfill-facts.js';
import { FactsStore } from '../status/facts.store.js';
import { currentStall, isHeldUp } from '../status/run-stall.js';
import { activeAtOf } from '../status/run-activity.js';
import type { SpeedFacts } from '../status/run-speed.js';
import { speedFactsOf } from '../status/speed-facts.js';
import type { ActiveRun, ActiveRuns } from '../supervision/backfill.watchdog.js';
import { explainStall, isConclusive } from './explain-stall.js';
import type { WorkingProcess } from './explain-stall.js';
import { LockWaitReader } from './locks/lock-wait.reader.js';
import { StallStore } from './stall.store.js';
import { suspectStall, watchedSince } from './suspect-stall.js';
import type { Suspicion } from './suspect-stall.js';
import { usualTime } from './usual-time.js';

/** Reports come every three seconds. */
const LATE_MS = 7_000;
/** How often a run that does nothing is looked into, at most, and for what part of `stalledAfter`. */
const EXPLAIN_EVERY_MS = 10_000;
const EXPLAIN_PART = 3;
/** A lock or a connection that was waited for more briefly is no cause. */
const LEAST_WAIT_MS = 1_000;
const MAX_SAMPLES = 900;

/**
 * Finds runs that should progress and do not, and what they wait for. While a run progresses, this costs nothing: the tick of
 * the watchdog tells for how long nothing was done. Only a run that was quiet for `stalledAfter` is read, and only one that is
 * suspected has the database asked.
 */
@Injectable()
export class StallDetector {
  private readonly log = new LogOnce(new Logger('Backfill'));
  private readonly checking = new Map<string, Promise<void>>();
  /** By run: when it was last looked into, by the clock of Redis. */
  private readonly explainedAt = new Map<string, number>();
  private closed = false;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions,
    private readonly registry: BackfillRegistry,
    private readonly factsStore: FactsStore,
    private readonly samples: SampleStore,
    private readonly reports: WorkReportStore,
    private readonly locks: LockWaitReader,
    private readonly store: StallStore,
  ) {}

  /** Checks the runs that this process supervises in this interval, in the background. */
  onTick({ runs }: ActiveRuns): void {
    const { stalledAfter } = this.options;
    const active = new Set(runs.map(({ runId }) => runId));
    for (const runId of this.explainedAt.keys()) {
      if (!active.has(runId)) {
        this.explainedAt.delete(runId);
      }
    }
    for (const run of runs) {
      const isSuspect = run.status === 'running' && run.quietMs >= stalledAfter;
      if (run.hasLease && (isSuspect || run.isStalled) && !this.closed && !this.checking.has(run.runId)) {
        const checking = this.check(run).finally(() => this.checking.delete(run.runId));
        this.checking.set(run.runId, checking);
      } else if (!isSuspect) {
        this.explainedAt.delete(run.runId);
      }
    }
  }

  /** Waits for the checks that are under way. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.checking.values());
  }

  private async check({ backfill, runId }: ActiveRun): Promise<void> {
    try {
      const { facts, micros, hold } = await this.factsStore.read([backfill]);
      const own = facts.get(backfill);
      if (!own?.run || own.runId !== runId) {
        return;
      }
      const run = parseRun(own.run);
      const now = Math.floor(micros / 1000);
      const speed = speedFactsOf(backfill, run, own, this.registry.find(backfill), now);
      const isHeld = isHeldUp(run, speed?.config ?? null, now, hold);
      if (run.stalled) {
        await this.follow(run, own, isHeld, now);
      } else if (speed && run.status === 'running' && !isHeld) {
        await this.detect(run, own, speed, now);
      }
      this.log.recover();
    } catch (error) {
      this.log.warn(`[${backfill}] Whether the run is stalled cannot be told: ${String(error)}`);
    }
  }

  /** Ends a stall that is over, and looks again what the run waits for while it lasts. */
  private async follow(run: RunRecord, facts: BackfillFacts, isHeld: boolean, now: number): Promise<void> {
    const { stalled: stall } = run;
    if (!stall) {
      return;
    }
    const { since, waitingFor } = stall;
    const processes = await this.processes(run.id, facts, now);
    // Without workers there is another warning.
    if (processes.size === 0 || !currentStall(run, facts.samples, isHeld)) {
      const activeAt = activeAtOf(run, facts.samples) ?? 0;
      await this.store.end(run.id, { since, ended: activeAt > since ? activeAt : now, waitingFor });
      return;
    }
    if (this.mayExplain(run.id, now)) {
      const cause = await this.explain(run.name, processes, { since, isCertain: true }, now);
      // An earlier finding stays where nothing is found now, as of a database that cannot be asked.
      if (cause.kind !== 'unknown') {
        await this.store.begin(run.id, { since, waitingFor: cause });
      }
    }
  }

  private async detect(run: RunRecord, facts: BackfillFacts, speed: SpeedFacts, now: number): Promise<void> {
    const processes = await this.processes(run.id, facts, now);
    if (processes.size === 0) {
      // The status warns of a run without workers.
      return;
    }
    const reports = [...processes.values()].map((process) => process?.report);
    const stallFacts = {
      run,
      activeAt: activeAtOf(run, facts.samples),
      usual: usualTime(
        run,
        speed,
        reports.flatMap((report) => report?.usualMs ?? []),
      ),
      // Processes of an earlier version report nothing.
      workedSince: Math.min(...reports.map((report) => (report ? report.at - report.forMs : 0))),
      watchedSince: 0,
      dueAt: 0,
      now,
      leastMs: this.options.stalledAfter,
    };
    const suspicion = suspectStall(stallFacts);
    if (!suspicion) {
      return;
    }
    const limit = Math.min(MAX_SAMPLES, Math.ceil((now - suspicion.since) / 1000) + 5);
    const [samples, dueAt] = await Promise.all([
      this.samples.newest(run.id, limit),
      this.store.firstDueAt(run.id),
    ]);
    const found = suspectStall({ ...stallFacts, watchedSince: watchedSince(samples, limit, now), dueAt });
    if (!found || !reportedSince(found.since + LEAST_WAIT_MS, processes)) {
      return;
    }
    if (!found.isCertain && !this.mayExplain(run.id, now)) {
      return;
    }
    this.explainedAt.set(run.id, now);
    const waitingFor = await this.explain(run.name, processes, found, now);
    if (found.isCertain || isConclusive(waitingFor)) {
      await this.store.begin(run.id, { since: found.since, waitingFor });
    }
  }

  private mayExplain(runId: string, now: number): boolean {
    const everyMs = Math.min(EXPLAIN_EVERY_MS, this.options.stalledAfter / EXPLAIN_PART);
    const isTime = now - (this.explainedAt.get(runId) ?? -Infinity) >= everyMs;
    if (isTime) {
      this.explainedAt.set(runId, now);
    }
    return isTime;
  }

  private async explain(
    backfill: string,
    processes: ReadonlyMap<string, WorkingProcess | null>,
    { since, isCertain }: Suspicion,
    now: number,
  ): Promise<StallCause> {
    const reporting = [...processes.values()].filter((process) => process !== null);
    const quietMs = now - since;
    return explainStall({
      processes: reporting,
      locks: await this.locks.read(sessionsOf(reporting), this.registry.find(backfill)),
      leastWaitMs: isCertain ? LEAST_WAIT_MS : quietMs / 2,
      quietMs,
      now,
    });
  }

  /** The processes that work on the run; `null` of those that report nothing, as processes of an earlier version. */
  private async processes(
    runId: string,
    { heartbeats }: BackfillFacts,
    now: number,
  ): Promise<ReadonlyMap<string, WorkingProcess | null>> {
    const processes = new Map<string, WorkingProcess | null>(
      aliveProcesses(heartbeats, now).map((id) => [id, null]),
    );
    for (const [id, report] of await this.reports.read(runId)) {
      const agoMs = now - report.at;
      const isLate = agoMs > LATE_MS;
      // The connection of a process that died is closed.
      const isThere =
        !isLate || (report.client !== null && (await this.reports.isConnected(report.client, agoMs)));
      if (isThere) {
        processes.set(id, { id, report, isBlocked: isLate });
      }
    }
    return processes;
  }
}

/** `null` where a process does not know those of the run. */
function sessionsOf(processes: readonly WorkingProcess[]): number[] | null {
  const known = processes.flatMap(({ report }) => report.sessions ?? []);
  return processes.every(({ report }) => report.sessions !== null) ? known : null;
}

/** Whether the last reports tell of the time in which nothing is done. */
function reportedSince(at: number, processes: ReadonlyMap<string, WorkingProcess | null>): boolean {
  return [...processes.values()].every(
    (process) => process === null || process.isBlocked || process.report.at >= at,
  );
}
