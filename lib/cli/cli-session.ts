import type { INestApplicationContext } from '@nestjs/common';
import type { BackfillService } from '../backfill.service.js';
import type { ExitCode } from './exit-code.js';
import type { Printer } from './output/printer.js';

/** What a command works with. */
export interface CliSession {
  readonly printer: Printer;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The running app, booted when a command first needs it. */
  app(): Promise<INestApplicationContext>;
  /** The facade of the app. */
  service(): Promise<BackfillService>;
  /** What the process is to answer, where it is not `ok`. */
  exitWith(code: ExitCode): void;
}
