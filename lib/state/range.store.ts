import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { encodeHandlerVersion } from '../config/handler-version.js';
import type { HandlerVersion } from '../config/handler-version.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { cursorText } from './cursor-fence.js';
import { decodeEntry, digestOf, encodePayload, rowsOf, toClaimed } from './range-entry.js';
import type { RangeEntry } from './range-entry.js';
import type {
  Acknowledgement,
  BudgetClaim,
  Claim,
  ClaimAnswer,
  ClaimStatus,
  JobProblem,
  Lateness,
  Reservation,
  ReserveAnswer,
  Settled,
  Settlement,
} from './range-steps.js';
import { cursorField } from './run-record.js';
import type { RunStatus } from './run-status.js';

/** Ms between two `rangeCompleted` events of a run. */
const PROGRESS_EVERY_MS = 500;
const PAGE = 1000;
const ON_TIME: Lateness = { excessMs: 0, late: { ranges: 0, ms: 0 } };

/** A run, and the version of the handler with which this process works on it. */
export interface WorkedRun {
  readonly runId: string;
  readonly backfill: HandlerVersion;
}

/**
 * Stores the outstanding ranges. Every method is one atomic step in Redis. Those that take a `WorkedRun` are refused to a
 * process whose handler must leave the run alone for its version, as if the run were stopped and the ranges gone.
 */
@Injectable()
export class RangeStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Adds planned ranges to the run and moves its cursor. */
  async reserve(run: WorkedRun, reservation: Reservation): Promise<ReserveAnswer> {
    const { partition, ranges, fence = '', verifying, ends = false, failures = [] } = reservation;
    const fields = Object.entries(reservation.fields ?? {});
    const reply = await scripts.reserve.run(this.client, this.keys, run, [
      reservation.seq,
      cursorField(partition),
      cursorText(reservation.cursor, fence),
      reservation.exhausted ? 1 : 0,
      JSON.stringify(reservation.partitionsDone),
      reservation.rangesPerJob,
      cursorText(reservation.from, fence),
      verifying ? JSON.stringify(verifying) : '',
      ends ? 1 : 0,
      fields.length,
      failures.length,
      ...fields.flat(),
      ...failures.flatMap(({ id, rows, record }) => [id, rows, record]),
      ...ranges.flatMap((range) => [
        Math.round(range.rows),
        encodePayload({ kind: 'range', partition, range: range.data }),
      ]),
      encodeHandlerVersion(run.backfill),
    ]);
    if (reply[0] !== 'reserved') {
      return { kind: reply[0] };
    }
    const [kind, first, status] = reply;
    return { kind, first, status: status as RunStatus };
  }

  /**
   * Claims ranges whose start time is at most `longestWaitMs` away.
   *
   * @param lateness of the starts of this process since its last claim
   * @param jobs suffix of the job that carries each range: one that has another job by now is not outstanding for it.
   * Default: it is claimed whatever its job
   * @param budget that limits the claim; `null`: none does
   */
  async claim(
    run: WorkedRun,
    indexes: readonly number[],
    longestWaitMs: number,
    lateness: Lateness = ON_TIME,
    jobs: readonly string[] = [],
    budget: BudgetClaim | null = null,
  ): Promise<ClaimAnswer> {
    const scope = budget ? { runId: run.runId, context: budget.context, table: budget.table } : run;
    const [status, detail, ...answers] = await scripts.claim.run(this.client, this.keys, scope, [
      longestWaitMs * 1000,
      encodeLateness(lateness),
      ...indexes.map((index, i) => (jobs[i] === undefined ? index : `${index} ${jobs[i]}`)),
      ...(budget ? [budget.text] : []),
      encodeHandlerVersion(run.backfill),
    ]);
    const now = performance.now();
    const { ms, nextRun } = toClaimDetail(status, detail);
    return {
      ...toClaimStatus(status, ms),
      claims: answers.map((answer, i) => toClaim(indexes[i], answer, now)),
      ...(nextRun === null ? {} : { nextRun }),
    };
  }

  /** Releases claimed ranges without an outcome. */
  async release(runId: string, indexes: readonly number[]): Promise<void> {
    await scripts.release.run(this.client, this.keys, { runId }, indexes);
  }

  /** Counts finished ranges. */
  async acknowledge(run: WorkedRun, done: readonly Acknowledgement[]): Promise<Settled> {
    const [counted, low, status] = await scripts.ack.run(this.client, this.keys, run, [
      PROGRESS_EVERY_MS,
      ...done.flatMap((range) => [
        range.entry.index,
        countsOf(range),
        digestOf(range.entry.payload),
        range.entry.payload.partition,
      ]),
      encodeHandlerVersion(run.backfill),
    ]);
    return {
      counted: counted > 0,
      low: low === 1,
      status: (status || null) as RunStatus | null,
      initialFailures: 0,
      successors: [],
    };
  }

  /**
   * Counts rows of a range that is still being processed, and stores the rows that are left of it. Returns the range
   * with these, or `null` where another worker has claimed it meanwhile.
   */
  async acknowledgeRows(
    run: WorkedRun,
    entry: RangeEntry,
    done: number,
    left: readonly JsonValue[],
    missing = 0,
    rechecked = 0,
  ): Promise<RangeEntry | null> {
    const payload = rowsOf(entry.payload, left);
    const rows = left.length + missing;
    const counted = await scripts.ackRows.run(this.client, this.keys, run, [
      entry.index,
      entry.claims,
      done,
      rows,
      encodePayload(payload),
      digestOf(entry.payload),
      rechecked,
      payload.partition,
      encodeHandlerVersion(run.backfill),
    ]);
    return counted === 1 ? { ...entry, rows, payload } : null;
  }

  /** Settles a range that did not simply succeed. */
  async settle(run: WorkedRun, settlement: Settlement): Promise<Settled> {
    const { entry, successors, failures } = settlement;
    const reply = await scripts.settle.run(this.client, this.keys, run, [
      entry.index,
      entry.claims,
      entry.attempts,
      digestOf(entry.payload),
      settlement.rowsDone,
      settlement.outcome,
      successors.length,
      failures.length,
      settlement.error,
      settlement.missing ?? 0,
      settlement.rechecked ?? 0,
      entry.payload.partition,
      ...successors.flatMap(({ attempts, delayMs, rows, payload }) => [
        attempts,
        Math.ceil(delayMs),
        Math.round(rows),
        encodePayload(payload),
      ]),
      ...failures.flatMap(({ id, rows, record }) => [id, rows, record]),
      encodeHandlerVersion(run.backfill),
    ]);
    if (reply[0] === 'gone') {
      return { counted: false, low: false, status: null, initialFailures: 0, successors: [] };
    }
    const [, low, status, initialFailures, ...placed] = reply;
    return {
      counted: true,
      low: low === 1,
      status: status as RunStatus,
      initialFailures,
      successors: pairs(placed).map(([index, job]) => ({ index: Number(index), job: String(job) })),
    };
  }

  /**
   * Scans the outstanding ranges for jobs that BullMQ lacks or delays too long, page by page.
   *
   * @param jobKeyPrefix what precedes the job suffix in the key of a job of this run
   * @param jobIdPrefix what precedes the job suffix in the id of a job of this run
   * @param delayedJobs key of the delayed jobs of the queue
   */
  async *jobProblems(
    runId: string,
    jobKeyPrefix: string,
    jobIdPrefix: string,
    delayedJobs: string,
  ): AsyncGenerator<JobProblem[]> {
    let cursor = '0';
    do {
      const [next, ...found] = await scripts.jobProblems.run(this.client, this.keys, { runId }, [
        cursor,
        PAGE,
        jobKeyPrefix,
        jobIdPrefix,
        delayedJobs,
      ]);
      cursor = next;
      yield pairs(found).map(([job, delay]) =>
        delay === 'overdue' ? { kind: 'overdue', job } : { kind: 'missing', job, delayMs: Number(delay) },
      );
    } while (cursor !== '0');
  }

  /** Counts the time that a range of a canary took, before it is acknowledged. */
  async timeCanary(runId: string, ms: number, rows: number): Promise<void> {
    await scripts.timeCanary.run(this.client, this.keys, { runId }, [Math.round(ms * 1000), rows]);
  }

  /** Ends a cycle; returns the ms until the next one, or `null` when there is none. */
  async endCycle(
    runId: string,
    cycle: number,
    target: number,
    waitMs: number,
    soonMs: number,
    configVersion: string,
  ): Promise<number | null> {
    return scripts.endCycle.run(this.client, this.keys, { runId }, [
      cycle,
      target,
      Math.round(waitMs),
      soonMs,
      configVersion,
    ]);
  }
}

/** `rows`, `rows|missing` or `rows|missing|rechecked`. */
function countsOf({ rows, missing = 0, rechecked = 0 }: Acknowledgement): number | string {
  return rechecked > 0 ? `${rows}|${missing}|${rechecked}` : missing > 0 ? `${rows}|${missing}` : rows;
}

/** Writes `excess|ranges|lateness`, in microseconds. */
function encodeLateness({ excessMs, late }: Lateness): string {
  return [excessMs * 1000, late.ranges, late.ms * 1000].map(Math.round).join('|');
}

/** Reads `ms`, `ms|run` of a refusal by the budget, or `run` of what the budget granted. */
function toClaimDetail(
  status: ClaimStatus['status'],
  detail: number | string | null,
): { readonly ms: number | null; readonly nextRun: string | null } {
  if (typeof detail !== 'string') {
    return { ms: detail, nextRun: null };
  }
  if (status === 'granted') {
    return { ms: null, nextRun: detail || null };
  }
  const separator = detail.indexOf('|');
  return { ms: Number(detail.slice(0, separator)), nextRun: detail.slice(separator + 1) || null };
}

function toClaimStatus(status: ClaimStatus['status'], ms: number | null): ClaimStatus {
  switch (status) {
    case 'held':
      return { status, retryInMs: ms };
    case 'later':
    case 'budget':
      return { status, ms: ms ?? 0 };
    default:
      return { status };
  }
}

/** Reads `microseconds to wait|entry`. */
function toClaim(index: number | undefined, answer: string, now: number): Claim | null {
  if (index === undefined || answer === '') {
    return null;
  }
  const separator = answer.indexOf('|');
  const waitMs = Number(answer.slice(0, separator)) / 1000;
  return { waitMs, dueAt: now + waitMs, entry: toClaimed(index, decodeEntry(answer.slice(separator + 1))) };
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  return Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [
    flat[2 * i] as T,
    flat[2 * i + 1] as T,
  ]);
}
