import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { parseAdoptVersion } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { DeclaredBackfill } from '../handlers/registered-backfill.js';
import { RangeQueues } from '../queues/range.queues.js';
import type { RetryOptions, RetryReceipt } from '../state/run-actions.js';
import { FailureStore } from '../state/failure.store.js';
import type { RetryPiece } from '../state/failure.store.js';
import { HistoryStore } from '../state/history.store.js';
import { RunStore } from '../state/run.store.js';
import { RunChecker } from '../supervision/run.checker.js';

const PAGE = 500;
/** A page takes less. The watchdog ends a run whose retry has died after this. */
const HOLD_MS = 10_000;

/** The run whose failures are retried, and the version that it adopts where it has ended. */
interface RetriedRun {
  readonly backfill: string;
  readonly runId: string;
  readonly adopt: Adoption | undefined;
  /** Id of the retry. */
  readonly retryId: string;
  /** Sequence of the newest failure to retry: what fails again is newer, or the retry would have no end. */
  readonly newest: number;
}

/** A page of failures to retry. */
interface RetryPage {
  readonly pieces: readonly RetryPiece[];
  readonly isLast: boolean;
}

/** Makes failures outstanding again in their run, page by page. */
@Injectable()
export class FailureRetrier {
  constructor(
    private readonly runs: RunStore,
    private readonly configs: ConfigStore,
    private readonly failures: FailureStore,
    private readonly queues: RangeQueues,
    private readonly history: HistoryStore,
    private readonly checker: RunChecker,
  ) {}

  async retry(backfill: DeclaredBackfill, options: RetryOptions): Promise<RetryReceipt> {
    const { name, defaults, onOtherVersion } = backfill;
    const { ids, group, signal, by = null, reason = null } = options;
    if (ids && group !== undefined) {
      throw new BackfillRequestError(name, 'group', 'none beside ids', group);
    }
    const version = parseAdoptVersion(name, options.adoptVersion);
    const runId = options.runId ?? (await this.runs.newestId(name));
    if (runId === null) {
      throw new BackfillConflictError(`Backfill "${name}" has no run whose failures could be retried.`);
    }
    const { config } = await this.configs.read(name, defaults);
    const before = await this.runs.read(runId);
    if (before) {
      await this.checker.assertServes(backfill, before, 'retry', version);
    }
    const into: RetriedRun = {
      backfill: name,
      runId,
      adopt: version === null ? undefined : { version, onOtherVersion },
      retryId: randomUUID(),
      newest: await this.failures.newestSequence(runId),
    };
    // Without failures first: throws where the run cannot take any.
    await this.requeue(into, []);
    let retried = 0;
    const unknownIds = new Set(ids);
    let isHeld = false;
    try {
      for await (const { pieces, isLast } of this.pages(into, options, config.batchSize)) {
        pieces.flatMap((piece) => piece.ids).forEach((id) => unknownIds.delete(id));
        isHeld ||= !isLast;
        retried += await this.retryPieces(into, pieces, isHeld);
        if (signal?.aborted) {
          break;
        }
      }
    } finally {
      if (isHeld) {
        // Where it fails, the hold expires.
        await this.requeue(into, [], 0).catch(() => undefined);
      }
    }
    if (retried > 0) {
      await this.history.add('retried', name, runId, {
        by,
        reason,
        retried,
        ...(version === null ? {} : { adoptVersion: version }),
      });
    }
    const run = await this.runs.read(runId);
    return {
      runId,
      state: run?.status ?? 'failed',
      changed: retried > 0,
      retried,
      unknownIds: [...unknownIds],
    };
  }

  /** @param batchSize rows that become one piece of work */
  private async *pages(
    { runId, newest }: RetriedRun,
    { ids, group }: RetryOptions,
    batchSize: number,
  ): AsyncGenerator<RetryPage> {
    if (ids) {
      const unique = [...new Set(ids)];
      for (let at = 0; at < unique.length; at += PAGE) {
        const pieces = await this.failures.chosen(runId, unique.slice(at, at + PAGE), batchSize);
        yield { pieces, isLast: at + PAGE >= unique.length };
      }
      return;
    }
    for (let after: number | null = null; ;) {
      const { pieces, next } = await this.failures.pieces(runId, after, newest, PAGE, batchSize, group);
      yield { pieces, isLast: next === null };
      if (next === null) {
        return;
      }
      after = next;
    }
  }

  /**
   * Returns how many failures became outstanding.
   *
   * @param isHeld whether the run is kept from ending until the next page
   */
  private async retryPieces(
    into: RetriedRun,
    pieces: readonly RetryPiece[],
    isHeld: boolean,
  ): Promise<number> {
    if (pieces.length === 0 && !isHeld) {
      return 0;
    }
    const holdMs = isHeld ? HOLD_MS : undefined;
    const placed = await this.requeue(into, pieces, holdMs);
    // Another request retries a part of each piece that is left out: the rest is retried one by one.
    const leftOut = pieces.filter((piece) => piece.ids.length > 1 && !placed.includes(piece));
    const single = await this.failures.chosen(
      into.runId,
      leftOut.flatMap(({ ids }) => ids),
      1,
    );
    const more = single.length > 0 ? await this.requeue(into, single, holdMs) : [];
    return [...placed, ...more].reduce((sum, { ids }) => sum + ids.length, 0);
  }

  private async requeue(
    { backfill, runId, adopt, retryId, newest }: RetriedRun,
    pieces: readonly RetryPiece[],
    holdMs?: number,
  ): Promise<RetryPiece[]> {
    const hold = holdMs === undefined ? undefined : { id: retryId, ms: holdMs };
    const answer = await this.failures.retry(runId, pieces, newest, adopt, hold);
    if (answer.kind === 'refused') {
      throw new BackfillConflictError(
        `Run ${runId} of backfill "${backfill}" cannot become running for a retry of its failures: ${answer.reason}.`,
      );
    }
    const jobs = answer.placed.map(({ job }) => ({ job }));
    await this.queues.add(backfill, runId, jobs);
    return answer.placed.map(({ piece }) => piece);
  }
}
