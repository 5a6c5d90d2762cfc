import { Injectable } from '@nestjs/common';
import { ConfigStore } from '../config/config.store.js';
import { parseAdoptVersion } from '../config/handler-version.js';
import type { Adoption } from '../config/handler-version.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { RangeQueues } from '../queues/range.queues.js';
import type { RetryOptions, RetryReceipt } from '../state/run-actions.js';
import { FailureStore } from '../state/failure.store.js';
import type { RetryPiece } from '../state/failure.store.js';
import { HistoryStore } from '../state/history.store.js';
import { RunStore } from '../state/run.store.js';
import { RunChecker } from '../supervision/run.checker.js';

const PAGE = 500;

/** The run whose failures are retried, and the version that it adopts where it has ended. */
interface RetriedRun {
  readonly backfill: string;
  readonly runId: string;
  readonly adopt: Adoption | undefined;
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

  async retry(backfill: RegisteredBackfill, options: RetryOptions): Promise<RetryReceipt> {
    const { name, defaults, onOtherVersion } = backfill;
    const { ids, signal, by = null, reason = null } = options;
    const version = parseAdoptVersion(name, options.adoptVersion);
    const runId = options.runId ?? (await this.runs.newestId(name));
    if (runId === null) {
      throw new BackfillConflictError(`Backfill "${name}" has no run whose failures could be retried.`);
    }
    const { config } = await this.configs.read(name, defaults);
    const before = await this.runs.read(runId);
    if (before) {
      this.checker.assertServes(backfill, before, 'retry', version);
    }
    const into: RetriedRun = {
      backfill: name,
      runId,
      adopt: version === null ? undefined : { version, onOtherVersion },
    };
    // What fails again is no longer one of the failures to retry, or the retry would have no end.
    const newest = await this.failures.newestSequence(runId);
    // Without failures first: throws where the run cannot take any.
    await this.requeue(into, [], newest);
    let retried = 0;
    const unknownIds = new Set(ids);
    for await (const pieces of this.pages(runId, ids, newest, config.batchSize)) {
      pieces.flatMap((piece) => piece.ids).forEach((id) => unknownIds.delete(id));
      retried += await this.retryPieces(into, pieces, newest);
      if (signal?.aborted) {
        break;
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

  /**
   * @param newest sequence of the newest failure to retry
   * @param batchSize rows that become one piece of work
   */
  private async *pages(
    runId: string,
    ids: readonly string[] | undefined,
    newest: number,
    batchSize: number,
  ): AsyncGenerator<readonly RetryPiece[]> {
    if (ids) {
      const unique = [...new Set(ids)];
      for (let at = 0; at < unique.length; at += PAGE) {
        yield this.failures.chosen(runId, unique.slice(at, at + PAGE), batchSize);
      }
      return;
    }
    for (let after: string | undefined; ;) {
      const page = await this.failures.pieces(runId, after, newest, PAGE, batchSize);
      yield page.pieces;
      if (page.next === null) {
        return;
      }
      after = page.next;
    }
  }

  /** Returns how many failures became outstanding. */
  private async retryPieces(
    into: RetriedRun,
    pieces: readonly RetryPiece[],
    newest: number,
  ): Promise<number> {
    if (pieces.length === 0) {
      return 0;
    }
    const placed = await this.requeue(into, pieces, newest);
    // Another request retries a part of each piece that is left out: the rest is retried one by one.
    const leftOut = pieces.filter((piece) => piece.ids.length > 1 && !placed.includes(piece));
    const single = await this.failures.chosen(
      into.runId,
      leftOut.flatMap(({ ids }) => ids),
      1,
    );
    const more = single.length > 0 ? await this.requeue(into, single, newest) : [];
    return [...placed, ...more].reduce((sum, { ids }) => sum + ids.length, 0);
  }

  private async requeue(
    { backfill, runId, adopt }: RetriedRun,
    pieces: readonly RetryPiece[],
    newest: number,
  ): Promise<RetryPiece[]> {
    const answer = await this.failures.retry(runId, pieces, newest, adopt);
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
