import type { INestApplicationContext } from '@nestjs/common';
import type { BackfillService } from '../backfill.service.js';
import type { ExitCode } from './exit-code.js';
import type { Printer } from './output/printer.js';

/** What commands share during one invocation of the command line. */
export interface CliSession {
  readonly printer: Printer;
  /** Aborted on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** The app, booted on first use. */
  app(): Promise<INestApplicationContext>;
  /** `BackfillService` of the app. */
  service(): Promise<BackfillService>;
  /** Longest that the command waits for Redis or the database, in ms. */
  readonly timeoutMs: number;
  /** From now on the command is not given up while Redis or the database does not answer. */
  ignoreOutages(): void;
  /** Sets the exit code; without a call it is `ok`. */
  exitWith(code: ExitCode): void;
}
