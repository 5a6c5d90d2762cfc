import { createHash } from 'node:crypto';
import { Injectable, Inject } from '@nestjs/common';
import { BackfillStateError } from '../errors/backfill-state.error.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { LuaScript } from '../redis/lua-script.js';
import type { RedisClient } from '../redis/lua-script.js';
import { REDIS_CLIENT } from '../redis/redis-connections.js';
import type { JsonValue } from '../sources/backfill-source.js';
import type { BackfillFailure, FailurePage, StoredError } from './backfill-status.js';
import { decodePayload, encodePayload } from './range-entry.js';
import type { RangePayload } from './range-entry.js';
import type { Quarantined } from './range-steps.js';
import type { RunStatus } from './run-status.js';

const KEYS = 6;

/** A failure as it is kept. */
interface FailureRecord {
  readonly kind: 'range' | 'row';
  readonly key: JsonValue;
  readonly error: StoredError;
  readonly attempts: number;
  readonly failedAt: string;
  readonly payload: string;
  readonly rows: number;
}

/** Failures that go back into the run as one piece of work. */
export interface RetryPiece {
  readonly ids: readonly string[];
  readonly payload: RangePayload;
  readonly rows: number;
  /** Ranges that were counted as failed: 1 for a range, 0 for rows. */
  readonly ranges: number;
}

/** What became of a wish to retry. */
export type RetryAnswer =
  | {
      readonly kind: 'taken';
      readonly status: RunStatus;
      readonly placed: readonly { readonly index: number; readonly job: string }[];
    }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Makes the record of a failure. Its id comes from what failed, so that a retried row that fails again is
 * kept once.
 */
export function toQuarantined(failure: {
  kind: 'range' | 'row';
  key: JsonValue;
  error: StoredError;
  attempts: number;
  failedAt: string;
  payload: RangePayload;
  rows: number;
}): Quarantined {
  const payload = encodePayload(failure.payload);
  const record: FailureRecord = { ...failure, payload };
  const digest = createHash('sha1').update(payload).digest('base64url');
  return {
    id: `${failure.kind}-${digest}`,
    rows: Math.round(failure.rows),
    record: JSON.stringify(record),
  };
}

/** Reads failures page by page and takes them back into the run. */
@Injectable()
export class FailureStore {
  private readonly retryScript = LuaScript.load<[string, string, ...(string | number)[]]>('retry', KEYS + 1);

  constructor(
    @Inject(REDIS_CLIENT) private readonly client: RedisClient,
    private readonly keys: BackfillKeys,
  ) {}

  /** A page of failures, oldest first; `after` is the sequence of the last one seen. */
  async page(runId: string, after: string | undefined, limit: number): Promise<FailurePage> {
    const { records, next } = await this.records(runId, after, limit);
    return { items: records.map(([id, record]) => publicFailure(id, record)), next };
  }

  /** The same page as pieces of work: each range alone, rows together by `together`. */
  async pieces(
    runId: string,
    after: string | undefined,
    limit: number,
    together: number,
  ): Promise<{ pieces: RetryPiece[]; next: string | null }> {
    const { records, next } = await this.records(runId, after, limit);
    return { pieces: gather(records, together), next };
  }

  /** The named failures as pieces of work; ids that are unknown are left out. */
  async chosen(runId: string, ids: readonly string[], together: number): Promise<RetryPiece[]> {
    if (ids.length === 0) {
      return [];
    }
    const values = await this.client.hmget(this.keys.failures(runId), ...ids);
    return gather(
      ids.flatMap((id, i): [string, FailureRecord][] => {
        const value = values[i];
        return value ? [[id, JSON.parse(value) as FailureRecord]] : [];
      }),
      together,
    );
  }

  async retry(runId: string, pieces: readonly RetryPiece[]): Promise<RetryAnswer> {
    const [kind, status, ...placed] = await this.retryScript.run(
      this.client,
      [...this.keys.script(runId), this.keys.retried(runId)],
      pieces.flatMap(({ payload, rows, ranges, ids }) => [
        encodePayload(payload),
        rows,
        ranges,
        ids.length,
        ...ids,
      ]),
    );
    if (kind === 'refused') {
      return { kind, why: status };
    }
    return {
      kind: 'taken',
      status: status as RunStatus,
      placed: Array.from({ length: placed.length / 2 }, (_, i) => ({
        index: Number(placed[2 * i]),
        job: String(placed[2 * i + 1]),
      })),
    };
  }

  private async records(
    runId: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ records: [string, FailureRecord][]; next: string | null }> {
    const found = await this.client.zrangebyscore(
      this.keys.failureOrder(runId),
      after === undefined ? '-inf' : `(${after}`,
      '+inf',
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
    const records = ids.map((id, i): [string, FailureRecord] => {
      const value = values[i];
      if (!value) {
        throw new BackfillStateError(`Failure ${id} of run ${runId} is listed in Redis but not kept there.`);
      }
      return [id, JSON.parse(value) as FailureRecord];
    });
    return { records, next: ids.length === limit ? (found.at(-1) ?? null) : null };
  }
}

/** A failure as it is kept, as operators see it. */
export function readFailure(id: string, record: string): BackfillFailure {
  return publicFailure(id, JSON.parse(record) as FailureRecord);
}

function publicFailure(id: string, record: FailureRecord): BackfillFailure {
  const { kind, key, error, attempts, failedAt } = record;
  return { id, kind, key, error, attempts, failedAt };
}

function gather(records: readonly [string, FailureRecord][], together: number): RetryPiece[] {
  const pieces: RetryPiece[] = [];
  const rows = new Map<string, { ids: string[]; keys: JsonValue[] }>();
  const close = (partition: string) => {
    const open = rows.get(partition);
    if (open) {
      rows.delete(partition);
      pieces.push({
        ids: open.ids,
        payload: { kind: 'rows', partition, keys: open.keys },
        rows: open.keys.length,
        ranges: 0,
      });
    }
  };
  for (const [id, record] of records) {
    const payload = decodePayload(record.payload);
    if (payload.kind === 'range') {
      pieces.push({ ids: [id], payload, rows: record.rows, ranges: record.kind === 'range' ? 1 : 0 });
      continue;
    }
    const open = rows.get(payload.partition) ?? { ids: [], keys: [] };
    open.ids.push(id);
    open.keys.push(...payload.keys);
    rows.set(payload.partition, open);
    if (open.keys.length >= together) {
      close(payload.partition);
    }
  }
  [...rows.keys()].forEach(close);
  return pieces;
}
