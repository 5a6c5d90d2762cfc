import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillStatus } from '../../state/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import { statusLines } from './status-view.js';

/** Shows statuses until every run of them is over; Ctrl-C ends the looking, never the run. */
export class Watch {
  private last = '';

  constructor(
    private readonly session: CliSession,
    private readonly intervalMs: number,
  ) {}

  /** @param done what ends the watch besides Ctrl-C */
  async follow(
    read: () => Promise<BackfillStatus[]>,
    done: (statuses: readonly BackfillStatus[]) => boolean,
  ) {
    const { signal } = this.session;
    for (;;) {
      const statuses = await read();
      this.show(statuses);
      if (done(statuses)) {
        return statuses;
      }
      await sleep(this.intervalMs, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) {
          throw error;
        }
      });
      if (signal.aborted) {
        this.session.exitWith(EXIT_CODES.detached);
        return statuses;
      }
    }
  }

  private show(statuses: readonly BackfillStatus[]): void {
    const { printer } = this.session;
    const lines = statuses.flatMap((status) => statusLines(status, printer.style, Date.now()));
    if (printer.terminal) {
      printer.redraw(lines);
      return;
    }
    // A log is to hold what changed, not a copy a second.
    const text = printer.json
      ? JSON.stringify(statuses)
      : lines.filter((line) => !line.startsWith('  ETA')).join('\n');
    if (text !== this.last) {
      this.last = text;
      for (const status of statuses) {
        printer.answer(status, (value, style) => statusLines(value, style, Date.now()).join('\n'));
      }
    }
  }
}
