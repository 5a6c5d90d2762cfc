import { countOf } from '../errors/count-of.js';
import { Injectable, Logger } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { boundsOf } from '../config/concurrency-setting.js';
import { isTimeout } from '../database/classify-error.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { currentRate } from '../pacing/peak-hours.js';
import { RangeQueues } from '../queues/range.queues.js';
import type { JobRequest } from '../queues/range.queues.js';
import type { JsonValue, SourcePartition, SourcePlan } from '../sources/backfill-source.js';
import { planExact } from '../sources/plan-exact.js';
import { planSweep } from '../sources/plan-sweep.js';
import { fenceOf } from '../state/cursor-fence.js';
import { EventStream } from '../state/event.stream.js';
import { encodeJob } from '../state/job-id.js';
import { RangeStore } from '../state/range.store.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { PartitionRotation } from './partition-rotation.js';
import { PlanningTimeoutError } from './planning-timeout.error.js';
import { rangesPerJob } from './ranges-per-job.js';
import { leastOutstanding, rangesToPlan, targetOutstanding } from './window.js';

/** Ranges planned by one query and reserved in one step. */
export const PAGE = 500;
/** Where few rows match, a sweep or a canary reads many of them for a range; so long it does so in one cycle. */
const SWEEP_MS = 5_000;

const NOTHING_LEFT: SourcePlan = { ranges: [], cursor: null, exhausted: true };

/** What a cycle plans with, read at its beginning. */
export interface CycleRequest {
  readonly backfill: RegisteredBackfill;
  readonly run: RunRecord;
  readonly config: BackfillConfig;
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** Processes with workers for the backfill. */
  readonly workers: number;
  /** Ranges per second that the workers reach; `null` while unknown. */
  readonly measuredPerSecond: number | null;
  readonly signal: AbortSignal;
}

/** What a cycle planned. */
export interface CycleReport {
  readonly planned: number;
  /** Size of the window: the ranges that were to be outstanding at the end. */
  readonly target: number;
  readonly cursor: JsonValue;
  /** False when the run was stopped, or planned by another process meanwhile. */
  readonly current: boolean;
}

/** A page of ranges, and the cursor that they were planned from. */
export interface Page extends SourcePlan {
  readonly partition: string;
  readonly from: JsonValue;
}

/** Which ranges a cycle plans, and what is reserved with each page of them. */
export interface PlannedWalk {
  readonly partitions: PartitionRotation;
  readonly sweep: boolean;
  /**
   * Whether the run goes on after its last range: it is verified, or its canary has no verdict yet. Its planner then waits
   * until nothing is outstanding.
   */
  readonly continues: boolean;
  /** Rows that are left of the canary of the run; ranges are then planned with exact numbers of rows. Default: no limit. */
  readonly rowsLeft?: number;
  /** Fields of the run to set with a page. */
  readonly fieldsOf?: (page: SourcePlan) => Promise<Readonly<Record<string, string>>>;
}

/** Plans one cycle: fills the window of outstanding ranges up to its target and queues their jobs. */
@Injectable()
export class RangePlanner {
  private readonly logger = new Logger('Backfill');

  constructor(
    private readonly runs: RunStore,
    private readonly rangeStore: RangeStore,
    private readonly queues: RangeQueues,
    private readonly managers: EntityManagers,
    private readonly events: EventStream,
  ) {}

  async plan(
    request: CycleRequest,
    walk: PlannedWalk = { partitions: new PartitionRotation(request.run), sweep: false, continues: false },
  ): Promise<CycleReport> {
    const { backfill, run } = request;
    const { partitions, continues } = walk;
    const window = windowOf(request);
    const { target } = window;
    let { rowsLeft = Infinity } = walk;
    const deadline = performance.now() + (walk.sweep || rowsLeft < Infinity ? SWEEP_MS : Infinity);
    let { seq } = run;
    let exhausted = continues ? partitions.isExhausted : run.exhausted;
    let planned = 0;
    let remaining = rangesToPlan(await this.runs.outstanding(run.id), target);
    while (
      !exhausted &&
      rowsLeft > 0 &&
      (remaining > 0 || partitions.isExhausted) &&
      performance.now() < deadline
    ) {
      const page = await this.planPage(request, { ...walk, rowsLeft }, Math.min(PAGE, remaining));
      exhausted = partitions.isExhausted;
      // The last page of a source may be short: its ranges are distributed over all workers, too.
      const available = page.exhausted ? page.ranges.length : remaining;
      const perJob = rangesPerJob({ ...window, available, byRow: backfill.shape === 'row' });
      const answer = await this.rangeStore.reserve(
        { runId: run.id, backfill },
        {
          ...page,
          seq,
          exhausted: exhausted && !continues,
          fence: fenceOf(run),
          fields: await walk.fieldsOf?.(page),
          partitionsDone: partitions.exhaustedNames,
          rangesPerJob: perJob,
        },
      );
      if (answer.kind !== 'reserved') {
        return { planned, target, cursor: partitions.publicCursor(), current: false };
      }
      await this.queues.add(backfill.name, run.id, jobsFor(answer.first, page.ranges.length, perJob));
      partitions.advance(page.partition, page.cursor);
      seq++;
      planned += page.ranges.length;
      remaining -= page.ranges.length;
      rowsLeft -= page.ranges.reduce((sum, { rows }) => sum + Math.round(rows), 0);
    }
    if (planned > 0) {
      await this.events.append('planned', backfill.name, run.id, { ranges: planned, target });
    }
    // A planner that waits is called as soon as nothing is outstanding.
    const waits = continues && (exhausted || rowsLeft <= 0);
    return { planned, target: waits ? 1 : target, cursor: partitions.publicCursor(), current: true };
  }

  /** The next page of a walk, of the partition whose turn it is. */
  async planPage(
    request: CycleRequest,
    { partitions, sweep, rowsLeft = Infinity }: Pick<PlannedWalk, 'partitions' | 'sweep' | 'rowsLeft'>,
    limit: number,
  ): Promise<Page> {
    const partition = partitions.next();
    const name = partition?.name ?? '';
    const from = partitions.cursorOf(name);
    if (!partition) {
      return { partition: name, from, ...NOTHING_LEFT };
    }
    // A canary has rows of all partitions.
    const rows = Math.ceil(rowsLeft / partitions.left);
    const plan = await this.askSource(request, partition, { sweep, rows }, from, limit);
    if (plan.exhausted) {
      partitions.markExhausted(name);
    }
    return { partition: name, from, ...plan };
  }

  /** Asks the source for a page, and for half as many ranges after each statement timeout. */
  private async askSource(
    { backfill, config, signal }: CycleRequest,
    partition: SourcePartition,
    { sweep, rows }: { readonly sweep: boolean; readonly rows: number },
    cursor: JsonValue,
    pageSize: number,
  ): Promise<SourcePlan> {
    const { source } = backfill;
    for (let limit = pageSize; ; limit = Math.max(1, Math.floor(limit / 2))) {
      const em = this.managers.fork(backfill);
      try {
        const context = { em, signal, backfill: backfill.name };
        const { batchSize } = config;
        const request = { partition: partition.name, bounds: partition.bounds, cursor, batchSize, limit };
        if (rows < Infinity) {
          return await planExact(source, context, { ...request, rows });
        }
        return await (sweep ? planSweep(source, context, request) : source.plan(context, request));
      } catch (error) {
        if (!isTimeout(error)) {
          throw error;
        }
        if (limit === 1) {
          throw new PlanningTimeoutError(backfill.name, error);
        }
        this.logger.warn(
          `[${backfill.name}] planning ${countOf(limit, 'range')} timed out, retrying with half as many`,
        );
      } finally {
        em.clear();
      }
    }
  }
}

function windowOf({ config, run, now, workers, measuredPerSecond }: CycleRequest) {
  const { perSecond } = currentRate(config, now);
  const slots = boundsOf(config.concurrency).max * Math.max(1, workers);
  const sinceStart = { done: run.done, elapsedMs: now - run.startedAt };
  const floor = leastOutstanding(slots, config.duration, measuredPerSecond, sinceStart);
  const target = targetOutstanding({ ...config, perSecond, measuredPerSecond, floor });
  return { perSecond, slots, measuredPerSecond, target };
}

function jobsFor(first: number, count: number, perJob: number): JobRequest[] {
  return Array.from({ length: Math.ceil(count / perJob) }, (_, i) => ({
    job: encodeJob({ first: first + i * perJob, count: Math.min(perJob, count - i * perJob) }),
  }));
}
