import { Logger } from '@nestjs/common';
import { logArguments } from './log-arguments.js';
import { LogLimiter } from './log.limiter.js';

export type LogLevel = 'log' | 'warn' | 'error' | 'debug';

/** What a line concerns. A range is named by its index; further fields are those of the line. */
export interface LogScope {
  readonly backfill: string;
  readonly runId: string;
  readonly range?: number;
  readonly [field: string]: unknown;
}

/** Writes lines about backfills: a text for people, and beside it fields for loggers that write JSON. */
export class BackfillLogger {
  private readonly logger = new Logger('Backfill');
  private readonly limiter = new LogLimiter();

  /** Writes a line. */
  write(level: LogLevel, scope: LogScope, text: string): void {
    const { backfill, runId, range } = scope;
    const where = range === undefined ? '' : ` range ${range}`;
    const [message, ...params] = logArguments(`[${backfill} run ${runId}${where}] ${text}`, scope);
    this.logger[level](message, ...params);
  }

  /**
   * Writes a line, and those of the same kind and run that follow within ten seconds as one: the last of them, with their
   * number.
   */
  limit(kind: string, level: LogLevel, scope: LogScope, text: string): void {
    this.limiter.add(`${scope.backfill}:${scope.runId}:${kind}:${level}`, (more) =>
      more === 0
        ? this.write(level, scope, text)
        : this.write(level, { ...scope, repeated: more }, `${text} (${more} of this kind in 10 s)`),
    );
  }

  /** Writes what is held back. */
  flush(): void {
    this.limiter.flush();
  }
}
