import { Injectable } from '@nestjs/common';
import { RangeQueues } from '../queues/range.queues.js';
import { FailureStore } from '../state/failure.store.js';
import type { RetryPiece } from '../state/failure.store.js';

const PAGE = 500;

/** Takes failures back into their run as work, page by page. */
@Injectable()
export class FailureRetrier {
  constructor(
    private readonly failures: FailureStore,
    private readonly queues: RangeQueues,
  ) {}

  /**
   * Answers how many were taken, and why not more where the run refused them.
   *
   * @param ids those to take; all without it
   * @param together rows that become one piece of work
   */
  async retry(
    backfill: string,
    runId: string,
    ids: readonly string[] | undefined,
    together: number,
  ): Promise<{ retried: number; refused: string | null }> {
    const impossible = await this.take(backfill, runId, []);
    if (impossible !== null) {
      return { retried: 0, refused: impossible };
    }
    let retried = 0;
    let after: string | undefined;
    const chosen = ids && [...ids];
    for (;;) {
      const page = chosen
        ? {
            pieces: await this.failures.chosen(runId, chosen.splice(0, PAGE), together),
            next: chosen[0] ?? null,
          }
        : await this.failures.pieces(runId, after, PAGE, together);
      if (page.pieces.length > 0) {
        const refused = await this.take(backfill, runId, page.pieces);
        if (refused !== null) {
          return { retried, refused };
        }
        retried += page.pieces.reduce((sum, piece) => sum + piece.ids.length, 0);
      }
      if (page.next === null) {
        return { retried, refused: null };
      }
      after = page.next;
    }
  }

  private async take(backfill: string, runId: string, pieces: readonly RetryPiece[]): Promise<string | null> {
    const answer = await this.failures.retry(runId, pieces);
    if (answer.kind === 'refused') {
      return answer.reason;
    }
    await this.queues.add(
      backfill,
      runId,
      answer.placed.map(({ job }) => ({ job })),
    );
    return null;
  }
}
