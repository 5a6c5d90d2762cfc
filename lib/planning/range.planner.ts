import { Injectable, Logger } from '@nestjs/common';
import type { BackfillConfig } from '../config/backfill-config.js';
import { isTimeout } from '../database/classify-error.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { currentRate } from '../pacing/peak-hours.js';
import { RangeQueues } from '../queues/range.queues.js';
import type { JsonValue, SourcePartition, SourcePlan } from '../sources/backfill-source.js';
import { EventStream } from '../state/event.stream.js';
import { RangeStore } from '../state/range.store.js';
import type { RunRecord } from '../state/run-record.js';
import { RunStore } from '../state/run.store.js';
import { PlanningTimeoutError } from './planning-timeout.error.js';
import { publicCursor } from './public-cursor.js';
import { rangesPerJob } from './ranges-per-job.js';
import { rangesToPlan, targetOutstanding } from './window.js';

/** Most ranges that one query and one reservation take. */
const PAGE = 500;
/** While nobody knows how fast the workers are, each place of a worker gets so many ranges. */
const PER_SLOT = 20;
const LEAST_AHEAD = 100;

/** What a cycle works with, read at its beginning. */
export interface CycleRequest {
  readonly backfill: RegisteredBackfill;
  readonly run: RunRecord;
  readonly config: BackfillConfig;
  /** Epoch ms by the clock of Redis. */
  readonly now: number;
  /** Processes that hold workers. */
  readonly workers: number;
  readonly measuredPerSecond: number | null;
  readonly signal: AbortSignal;
}

/** What a cycle did. */
export interface CycleReport {
  readonly planned: number;
  readonly target: number;
  readonly cursor: JsonValue;
  /** False when the run stopped or somebody else plans it. */
  readonly current: boolean;
}

/** Plans one cycle: tops up what is outstanding to the window, and puts its jobs into the queue. */
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

  async plan(request: CycleRequest): Promise<CycleReport> {
    const { backfill, run, config, measuredPerSecond } = request;
    const { perSecond } = currentRate(config, request.now);
    const slots = config.concurrency * Math.max(1, request.workers);
    const target = targetOutstanding({
      duration: config.duration,
      maxOutstanding: config.maxOutstanding,
      perSecond,
      measuredPerSecond,
      floor: Math.max(LEAST_AHEAD, PER_SLOT * slots),
    });
    const partitions = turned(run.partitions ?? [], run.seq);
    const done = new Set([
      ...(run.partitionsDone ?? []),
      ...partitions.flatMap(({ name, bounds }) => (bounds === null ? [name] : [])),
    ]);
    const cursors = new Map(Object.entries(run.cursors));
    const report = (current: boolean, planned: number): CycleReport => ({
      planned,
      target,
      cursor: publicCursor(partitions, cursors),
      current,
    });

    let seq = run.seq;
    let planned = 0;
    let todo = rangesToPlan(await this.runs.outstanding(run.id), target);
    let exhausted = run.exhausted;
    while (!exhausted && (todo > 0 || done.size === partitions.length)) {
      const partition = partitions.find(({ name }) => !done.has(name));
      const plan = partition
        ? await this.ask(request, partition, cursors.get(partition.name) ?? null, Math.min(PAGE, todo))
        : { ranges: [], cursor: null, exhausted: true };
      if (plan.exhausted && partition) {
        done.add(partition.name);
      }
      exhausted = done.size === partitions.length;
      // The last ranges of a source may be far fewer than were wanted: they too are spread over all workers.
      const atHand = plan.exhausted ? plan.ranges.length : todo;
      const share = rangesPerJob(perSecond, atHand, slots, measuredPerSecond, backfill.shape === 'row');
      const answer = await this.rangeStore.reserve(run.id, {
        seq,
        partition: partition?.name ?? '',
        from: cursors.get(partition?.name ?? '') ?? null,
        cursor: plan.cursor,
        ranges: plan.ranges,
        exhausted,
        partitionsDone: [...done],
        share,
      });
      if (answer.kind !== 'reserved') {
        return report(false, planned);
      }
      await this.queues.add(backfill.name, run.id, jobsFor(answer.first, plan.ranges.length, share));
      cursors.set(partition?.name ?? '', plan.cursor);
      rotate(partitions, partition);
      seq++;
      planned += plan.ranges.length;
      todo -= plan.ranges.length;
    }
    if (planned > 0) {
      await this.events.append('planned', backfill.name, run.id, { ranges: planned, target });
    }
    return report(true, planned);
  }

  /** Asks the source for a page, and for half of it where the database gave the query up for its time. */
  private async ask(
    { backfill, config, signal }: CycleRequest,
    partition: SourcePartition,
    cursor: JsonValue,
    most: number,
  ): Promise<SourcePlan> {
    for (let limit = most; ; limit = Math.max(1, Math.floor(limit / 2))) {
      const em = this.managers.fork();
      try {
        return await backfill.source.plan(
          { em, signal, backfill: backfill.name },
          { partition: partition.name, bounds: partition.bounds, cursor, batchSize: config.batchSize, limit },
        );
      } catch (error) {
        if (!isTimeout(error)) {
          throw error;
        }
        if (limit === 1) {
          throw new PlanningTimeoutError(backfill.name, error);
        }
        this.logger.warn(`[${backfill.name}] planning ${limit} ranges timed out; trying half of them`);
      } finally {
        em.clear();
      }
    }
  }
}

function jobsFor(first: number, count: number, share: number): { job: string }[] {
  return Array.from({ length: Math.ceil(count / share) }, (_, i) => ({
    job: `${first + i * share}x${Math.min(share, count - i * share)}`,
  }));
}

/** Partitions take turns, from cycle to cycle too, so that none waits for the end of another. */
function turned(partitions: readonly SourcePartition[], by: number): SourcePartition[] {
  const at = partitions.length === 0 ? 0 : by % partitions.length;
  return [...partitions.slice(at), ...partitions.slice(0, at)];
}

function rotate(partitions: SourcePartition[], last: SourcePartition | undefined): void {
  const at = last ? partitions.indexOf(last) : -1;
  if (at >= 0) {
    partitions.push(...partitions.splice(at, 1));
  }
}
