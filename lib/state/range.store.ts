import { Injectable, Inject } from '@nestjs/common';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { digestOf, encodePayload, parseEntry } from './range-entry.js';
import type { RangeEntry, RangePayload } from './range-entry.js';
import type {
  ClaimAnswer,
  ClaimStatus,
  MissingWork,
  Reservation,
  ReserveAnswer,
  RowsDone,
  Settled,
  Settlement,
} from './range-steps.js';
import { cursorField } from './run-record.js';
import type { RunStatus } from './run-status.js';

const KEYS = 6;
/** Progress is told at most twice a second. */
const PROGRESS_EVERY_MS = 500;
const PAGE = 1000;

/** First word of the reply of `claim.lua`. */
type ClaimReply = 'go' | 'stopped' | 'held' | 'later';

const OUTCOMES = { done: 1, failed: 0, replaced: -1 } as const;

/** Keeps what is outstanding. Every method is one atomic step in Redis. */
@Injectable()
export class RangeStore {
  private readonly scripts = {
    reserve: LuaScript.load<[string, ...(string | number)[]]>('reserve', KEYS),
    claim: LuaScript.load<[ClaimReply, number, ...string[]]>('claim', KEYS),
    release: LuaScript.load<number>('release', KEYS),
    ack: LuaScript.load<[number, number, string]>('ack', KEYS),
    ackRows: LuaScript.load<number>('ack-rows', KEYS),
    settle: LuaScript.load<[string, ...(string | number)[]]>('settle', KEYS),
    missing: LuaScript.load<[string, ...string[]]>('missing', KEYS),
    endCycle: LuaScript.load<number>('end-cycle', KEYS),
  };

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** Takes planned ranges into the run and moves its cursor. */
  async reserve(runId: string, reservation: Reservation): Promise<ReserveAnswer> {
    const { partition, ranges } = reservation;
    const [kind, first, status] = await this.scripts.reserve.run(this.client, this.keys.script(runId), [
      reservation.seq,
      cursorField(partition),
      JSON.stringify(reservation.cursor),
      reservation.exhausted ? 1 : 0,
      JSON.stringify(reservation.partitionsDone),
      reservation.rangesPerJob,
      JSON.stringify(reservation.from),
      ...ranges.flatMap((range) => [
        Math.round(range.rows),
        encodePayload({ kind: 'range', partition, range: range.data }),
      ]),
    ]);
    if (kind === 'reserved') {
      return { kind, first: Number(first), status: String(status) as RunStatus };
    }
    return { kind: kind === 'stale' ? 'stale' : 'stopped' };
  }

  /**
   * Asks to start ranges, none of which is to wait longer than `longestWaitMs` for its moment.
   *
   * @param lateMs by how much more than usual starts came late since it was last asked
   */
  async claim(
    runId: string,
    indexes: readonly number[],
    longestWaitMs: number,
    lateMs = 0,
  ): Promise<ClaimAnswer> {
    const [reply, ms, ...answers] = await this.scripts.claim.run(this.client, this.keys.script(runId), [
      longestWaitMs * 1000,
      Math.round(lateMs * 1000),
      ...indexes,
    ]);
    const answered = performance.now();
    return {
      ...claimStatus(reply, ms),
      claims: answers.map((answer, i) => {
        if (answer === '') {
          return null;
        }
        const cut = answer.indexOf('|');
        const waitMs = Number(answer.slice(0, cut)) / 1000;
        return {
          waitMs,
          dueAt: answered + waitMs,
          entry: parseEntry(indexes[i] ?? -1, answer.slice(cut + 1)),
        };
      }),
    };
  }

  /** Gives claimed ranges back untouched. */
  async release(runId: string, indexes: readonly number[]): Promise<void> {
    await this.scripts.release.run(this.client, this.keys.script(runId), indexes);
  }

  /** Counts finished ranges. */
  async acknowledge(
    runId: string,
    done: readonly { readonly entry: RangeEntry; readonly rows: RowsDone }[],
  ): Promise<Settled> {
    const [counted, low, status] = await this.scripts.ack.run(this.client, this.keys.script(runId), [
      PROGRESS_EVERY_MS,
      ...done.flatMap(({ entry, rows }) => [
        entry.index,
        rows === 'planned' ? -1 : rows,
        digestOf(entry.payload),
      ]),
    ]);
    return {
      counted: counted > 0,
      low: low === 1,
      status: (status || null) as RunStatus | null,
      successors: [],
    };
  }

  /**
   * Counts rows of a range that is still under way, and keeps what is left of it. Answers the work that is
   * left, or `null` where another worker has overtaken this one.
   */
  async acknowledgeRows(
    runId: string,
    entry: RangeEntry,
    done: number,
    left: readonly JsonValue[],
  ): Promise<RangeEntry | null> {
    const payload: RangePayload = { kind: 'rows', partition: entry.payload.partition, keys: left };
    const kept = await this.scripts.ackRows.run(this.client, this.keys.script(runId), [
      entry.index,
      entry.claims,
      done,
      left.length,
      encodePayload(payload),
      digestOf(entry.payload),
    ]);
    return kept === 1 ? { ...entry, rows: left.length, payload } : null;
  }

  /** Settles a range that did not simply succeed. */
  async settle(runId: string, settlement: Settlement): Promise<Settled> {
    const { entry, successors, failures } = settlement;
    const [kind, low, status, ...placed] = await this.scripts.settle.run(
      this.client,
      this.keys.script(runId),
      [
        entry.index,
        entry.claims,
        entry.attempts,
        digestOf(entry.payload),
        settlement.rowsDone,
        OUTCOMES[settlement.outcome],
        successors.length,
        failures.length,
        settlement.error,
        ...successors.flatMap(({ attempts, delayMs, rows, payload }) => [
          attempts,
          Math.ceil(delayMs),
          Math.round(rows),
          encodePayload(payload),
        ]),
        ...failures.flatMap(({ id, rows, record }) => [id, rows, record]),
      ],
    );
    return {
      counted: kind === 'settled',
      low: low === 1,
      status: (status ? String(status) : null) as RunStatus | null,
      successors: pairs(placed).map(([index, job]) => ({ index: Number(index), job: String(job) })),
    };
  }

  /** Goes through the outstanding ranges that no job carries, or whose job is overdue. */
  async *missing(
    runId: string,
    jobPrefix: string,
    jobIdPrefix: string,
    delayedJobs: string,
  ): AsyncGenerator<MissingWork[]> {
    let cursor = '0';
    do {
      const [next, ...found] = await this.scripts.missing.run(this.client, this.keys.script(runId), [
        cursor,
        PAGE,
        jobPrefix,
        jobIdPrefix,
        delayedJobs,
      ]);
      cursor = next;
      yield pairs(found).map(([job, delayMs]) => ({ job, delayMs: Number(delayMs) }));
    } while (cursor !== '0');
  }

  /** Closes a cycle; answers the ms until the next one, or `null` when there is none. */
  async endCycle(
    runId: string,
    cycle: number,
    target: number,
    waitMs: number,
    soonMs: number,
    configVersion: string,
  ): Promise<number | null> {
    const wait = await this.scripts.endCycle.run(this.client, this.keys.script(runId), [
      cycle,
      target,
      Math.round(waitMs),
      soonMs,
      configVersion,
    ]);
    return wait < 0 ? null : wait;
  }
}

function pairs<T>(flat: readonly T[]): [T, T][] {
  return Array.from({ length: Math.floor(flat.length / 2) }, (_, i) => [
    flat[2 * i] as T,
    flat[2 * i + 1] as T,
  ]);
}

function claimStatus(reply: ClaimReply, ms: number): ClaimStatus {
  switch (reply) {
    case 'go':
      return { status: 'granted' };
    case 'stopped':
      return { status: 'stopped' };
    case 'held':
      return { status: 'held', retryInMs: ms < 0 ? null : ms };
    case 'later':
      return { status: 'later', ms };
    default:
      return reply satisfies never;
  }
}
