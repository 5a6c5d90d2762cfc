import { BackfillError } from '../errors/backfill-error.js';
import { NonRetryableError } from '../errors/handler.errors.js';

/** The range was claimed by another worker meanwhile: this process was stalled for longer than `lockDuration`. */
export class OvertakenError extends BackfillError {
  readonly code = 'BACKFILL_OVERTAKEN';

  constructor(backfill: string, index: number) {
    super(
      `Range ${index} of backfill "${backfill}" was claimed by another worker while this one processed it. Raise ` +
        'lockDuration where a process blocks its event loop for that long.',
    );
  }
}

/** The failure of a range, and after its bisection of a row, that crashed one process after the other. */
export class RangeCrashError extends NonRetryableError {
  constructor(backfill: string, crashes: number) {
    super(
      `${crashes} processes crashed while they processed this part of backfill "${backfill}". Find out what ends ` +
        'the process with these rows (out of memory, a native crash).',
    );
  }
}
