import { sleep } from '../../async/sleep.js';
import type { BackfillStatus } from '../../status/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import { statusLines } from './status-view.js';

const EPOCH = new Date(0).toISOString();

/** Polls statuses and displays them until a condition holds. Ctrl-C stops the watch, not the run. */
export class Watch {
  private lastText = '';

  constructor(
    private readonly session: CliSession,
    private readonly intervalMs: number,
  ) {}

  /**
   * Displays what `read` returns, redrawn on a terminal, until `done` is true or Ctrl-C aborts the session.
   *
   * @returns the last statuses
   */
  async follow(
    read: () => Promise<BackfillStatus[]>,
    done: (statuses: readonly BackfillStatus[]) => boolean,
  ): Promise<BackfillStatus[]> {
    const { signal } = this.session;
    for (;;) {
      const statuses = await read();
      // A watch that has begun outlasts an outage, as the run does.
      this.session.ignoreOutages();
      this.display(statuses);
      if (done(statuses)) {
        return statuses;
      }
      await sleep(this.intervalMs, signal);
      if (signal.aborted) {
        this.session.exitWith(EXIT_CODES.detached);
        return statuses;
      }
    }
  }

  private display(statuses: readonly BackfillStatus[]): void {
    const { printer } = this.session;
    if (printer.terminal) {
      printer.redraw(statuses.flatMap((status) => statusLines(status, printer.style)));
      return;
    }
    // Without a terminal only changes are written. What moves with the clock is no change.
    const still = statuses.map((status) => ({ ...status, now: EPOCH }));
    const text = printer.json
      ? JSON.stringify(still)
      : still.flatMap((status) => statusLines({ ...status, eta: null }, printer.style)).join('\n');
    if (text !== this.lastText) {
      this.lastText = text;
      for (const status of statuses) {
        printer.print(status, (value, style) => statusLines(value, style).join('\n'));
      }
    }
  }
}
