import { Injectable, Inject } from '@nestjs/common';
import { encodeAdoption } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { FailurePage } from './backfill-failure.js';
import { parseFailure, toPublicFailure } from './failure-record.js';
import type { FailureRecord } from './failure-record.js';
import { decodePayload, encodePayload, rowsOf } from './range-entry.js';
import type { RangePayload } from './range-entry.js';
import type { RunStatus } from './run-status.js';

/** Failures that become one outstanding range again. */
export interface RetryPiece {
  readonly ids: readonly string[];
  readonly payload: RangePayload;
  readonly rows: number;
  /** Ranges that count as failed for them: 1 for a range, 0 for rows. */
  readonly ranges: number;
}

/** Result of a retry. */
export type RetryAnswer =
  | {
      readonly kind: 'taken';
      readonly status: RunStatus;
      /** The pieces that became outstanding ranges; of all others a failure is gone. */
      readonly placed: readonly {
        readonly piece: RetryPiece;
        readonly index: number;
        readonly job: string;
      }[];
    }
  | { readonly kind: 'refused'; readonly reason: string };

/** Reads failures page by page and moves them back to the outstanding work of their run. */
@Injectable()
export class FailureStore {
  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** A page of failures, oldest first; `after` is `next` of the page before. */
  async page(runId: string, after: string | undefined, limit: number): Promise<FailurePage> {
    const { records, next } = await this.records(runId, after, limit);
    return { items: records.map(([id, record]) => toPublicFailure(id, record)), next };
  }

  /**
   * The same page as ranges to retry: a failed range each, and failed rows in groups of `rowsPerPiece`.
   *
   * @param newest sequence of the newest failure to include
   */
  async pieces(
    runId: string,
    after: string | undefined,
    newest: number,
    limit: number,
    rowsPerPiece: number,
  ): Promise<{ pieces: RetryPiece[]; next: string | null }> {
    const { records, next } = await this.records(runId, after, limit, newest);
    return { pieces: group(records, rowsPerPiece), next };
  }

  /** The failures of these ids as ranges to retry; unknown ids are left out. */
  async chosen(runId: string, ids: readonly string[], rowsPerPiece: number): Promise<RetryPiece[]> {
    if (ids.length === 0) {
      return [];
    }
    const values = await this.client.hmget(this.keys.failures(runId), ...ids);
    return group(
      ids.flatMap((id, i): [string, FailureRecord][] => {
        const value = values[i];
        return value ? [[id, parseFailure(value)]] : [];
      }),
      rowsPerPiece,
    );
  }

  /** Sequence of the newest failure; 0 where there is none. A failure that fails again after a retry has a higher one. */
  async newestSequence(runId: string): Promise<number> {
    const [, sequence] = await this.client.zrevrange(this.keys.failureOrder(runId), 0, 0, 'WITHSCORES');
    return Number(sequence ?? 0);
  }

  /**
   * Moves failures up to this sequence back to the outstanding work of the run.
   *
   * @param adopt the version that a run which has ended goes on with
   */
  async retry(
    runId: string,
    pieces: readonly RetryPiece[],
    newest: number,
    adopt?: Adoption,
  ): Promise<RetryAnswer> {
    const reply = await scripts.retry.run(this.client, this.keys, { runId }, [
      newest,
      ...pieces.flatMap(({ payload, rows, ranges, ids }) => [
        encodePayload(payload),
        rows,
        ranges,
        ids.length,
        ...ids,
      ]),
      ...encodeAdoption(adopt),
    ]);
    if (reply[0] === 'refused') {
      return { kind: 'refused', reason: reply[1] };
    }
    const [kind, status, ...placed] = reply;
    return {
      kind,
      status: status as RunStatus,
      placed: Array.from({ length: placed.length / 3 }, (_, i) => ({
        piece: pieces[Number(placed[3 * i])] as RetryPiece,
        index: Number(placed[3 * i + 1]),
        job: String(placed[3 * i + 2]),
      })),
    };
  }

  private async records(
    runId: string,
    after: string | undefined,
    limit: number,
    newest?: number,
  ): Promise<{ records: [string, FailureRecord][]; next: string | null }> {
    const found = await this.client.zrangebyscore(
      this.keys.failureOrder(runId),
      after === undefined ? '-inf' : `(${after}`,
      newest ?? '+inf',
      'WITHSCORES',
      'LIMIT',
      0,
      limit,
    );
    const ids = found.filter((_, i) => i % 2 === 0);
    if (ids.length === 0) {
      return { records: [], next: null };
    }
    const values = await this.client.hmget(this.keys.failures(runId), ...ids);
    const records = ids.flatMap((id, i): [string, FailureRecord][] => {
      const value = values[i];
      return value ? [[id, parseFailure(value)]] : [];
    });
    if (records.length < ids.length) {
      await this.assertRetried(runId, new Set(ids.filter((_, i) => !values[i])));
    }
    return { records, next: ids.length === limit ? (found.at(-1) ?? null) : null };
  }

  /** A failure without a record was retried between two reads, and is then no longer listed with its sequence. */
  private async assertRetried(runId: string, ids: ReadonlySet<string>): Promise<void> {
    for (const id of ids) {
      const [sequence, record] = await Promise.all([
        this.client.zscore(this.keys.failureOrder(runId), id),
        this.client.hget(this.keys.failures(runId), id),
      ]);
      if (sequence !== null && record === null) {
        throw new BackfillStateError(
          `Failure ${id} of run ${runId} is listed in Redis, but its record is missing.`,
        );
      }
    }
  }
}

function group(records: readonly [string, FailureRecord][], rowsPerPiece: number): RetryPiece[] {
  const pieces: RetryPiece[] = [];
  const rows = new Map<string, { ids: string[]; keys: JsonValue[]; payload: RangePayload }>();
  const close = (group: string) => {
    const open = rows.get(group);
    if (open) {
      rows.delete(group);
      const { ids, keys, payload } = open;
      pieces.push({ ids, payload: rowsOf(payload, keys), rows: keys.length, ranges: 0 });
    }
  };
  for (const [id, record] of records) {
    const payload = decodePayload(record.payload);
    if (payload.kind === 'range') {
      pieces.push({ ids: [id], payload, rows: record.rows, ranges: record.kind === 'range' ? 1 : 0 });
      continue;
    }
    const group = `${payload.unfiltered === true}|${payload.partition}`;
    const open = rows.get(group) ?? { ids: [], keys: [], payload };
    open.ids.push(id);
    open.keys.push(...payload.keys);
    rows.set(group, open);
    if (open.keys.length >= rowsPerPiece) {
      close(group);
    }
  }
  [...rows.keys()].forEach(close);
  return pieces;
}
