import { NonRetryableError } from '../errors/handler.errors.js';

/** Kept with a range (and then a row) that one process after the other died with. */
export class RangeCrashError extends NonRetryableError {
  constructor(backfill: string, crashes: number) {
    super(
      `${crashes} processes died while they handled this part of backfill "${backfill}". Look for what ends ` +
        'the process (out of memory, a native crash) with these rows.',
    );
  }
}
