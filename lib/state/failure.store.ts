import { Injectable, Inject } from '@nestjs/common';
import { encodeAdoption } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { RedisClient } from '../redis/redis-connections.js';
import { scripts } from '../redis/scripts/bindings.js';
import type { JsonValue } from '../sources/backfill-source.js';
import { isInGroup } from './failure-group.js';
import { parseFailure } from './failure-record.js';
import type { FailureRecord, StoredFailure } from './failure-record.js';
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

/** A retry that has several pages, between which the run must not end. */
export interface RetryHold {
  readonly id: string;
  readonly ms: number;
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

  /** Failures before a sequence, newest first, read in one step. */
  async newest(runId: string, before: number | undefined, limit: number): Promise<StoredFailure[]> {
    return this.read(runId, ['newest', '-inf', before === undefined ? '+inf' : `(${before}`, limit]);
  }

  /**
   * A page of failures as ranges to retry, oldest first: a failed range each, and failed rows in groups of
   * `rowsPerPiece`.
   *
   * @param newest sequence of the newest failure to include
   * @param group only failures of this group
   */
  async pieces(
    runId: string,
    after: number | null,
    newest: number,
    limit: number,
    rowsPerPiece: number,
    group?: string,
  ): Promise<{ pieces: RetryPiece[]; next: number | null }> {
    const failures = await this.read(runId, ['oldest', after === null ? '-inf' : `(${after}`, newest, limit]);
    const chosen = group === undefined ? failures : failures.filter(({ record }) => isInGroup(record, group));
    return {
      pieces: toPieces(
        chosen.map(({ id, record }) => [id, record]),
        rowsPerPiece,
      ),
      next: failures.length === limit ? (failures.at(-1)?.sequence ?? null) : null,
    };
  }

  /** The failures of these ids as ranges to retry; unknown ids are left out. */
  async chosen(runId: string, ids: readonly string[], rowsPerPiece: number): Promise<RetryPiece[]> {
    if (ids.length === 0) {
      return [];
    }
    const values = await this.client.hmget(this.keys.failures(runId), ...ids);
    return toPieces(
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

  /** Changes whenever a failure is added or retried. */
  async revision(runId: string): Promise<string> {
    const [sequence, count] = await Promise.all([
      this.client.hget(this.keys.run(runId), 'failureSequence'),
      this.client.zcard(this.keys.failureOrder(runId)),
    ]);
    return `${sequence ?? 0}|${count}`;
  }

  /**
   * Moves failures up to this sequence back to the outstanding work of the run.
   *
   * @param adopt the version that a run which has ended goes on with
   * @param hold keeps the run from ending for so many ms, in which the next page follows; 0 after the last one
   */
  async retry(
    runId: string,
    pieces: readonly RetryPiece[],
    newest: number,
    adopt?: Adoption,
    hold?: RetryHold,
  ): Promise<RetryAnswer> {
    const reply = await scripts.retry.run(this.client, this.keys, { runId }, [
      newest,
      ...pieces.flatMap(({ payload, rows, ranges, ids }) => [
        encodePayload(payload),
        payload.partition,
        rows,
        ranges,
        ids.length,
        ...ids,
      ]),
      ...encodeAdoption(adopt),
      hold?.id ?? '',
      hold?.ms ?? 0,
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

  private async read(
    runId: string,
    page: readonly [first: 'newest' | 'oldest', lowest: string, highest: string | number, limit: number],
  ): Promise<StoredFailure[]> {
    const reply = await scripts.failurePage.run(this.client, this.keys, { runId }, page);
    return Array.from({ length: reply.length / 3 }, (_, i): StoredFailure => {
      const id = String(reply[3 * i + 1]);
      const record = reply[3 * i + 2];
      if (record === null || record === undefined) {
        // Scripts add and delete both in one step.
        throw new BackfillStateError(
          `Failure ${id} of run ${runId} is listed in Redis, but its record is missing.`,
        );
      }
      return { id, sequence: Number(reply[3 * i]), record: parseFailure(record) };
    });
  }
}

function toPieces(records: readonly [string, FailureRecord][], rowsPerPiece: number): RetryPiece[] {
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
