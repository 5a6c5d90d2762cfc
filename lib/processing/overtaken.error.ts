import { BackfillError } from '../errors/backfill-error.js';

/** A range that this process lost to another one: it was silent for longer than `lockDuration`. */
export class OvertakenError extends BackfillError {
  readonly code = 'BACKFILL_OVERTAKEN';

  constructor(backfill: string, index: number) {
    super(
      `Range ${index} of backfill "${backfill}" was given to another worker while this one worked on it. Raise ` +
        'lockDuration where a process blocks its event loop for that long.',
    );
  }
}
