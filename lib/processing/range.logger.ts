import { Logger } from '@nestjs/common';
import type { LoggerService } from '@nestjs/common';
import { logArguments } from '../logging/log-arguments.js';

/** Logs through Nest's logger, with the backfill, run and range in each line. */
export class RangeLogger implements LoggerService {
  constructor(
    private readonly backfill: string,
    private readonly runId: string,
    private readonly index: number,
  ) {}

  log(message: unknown, ...more: unknown[]): void {
    this.write('log', message, more);
  }

  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }

  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }

  verbose(message: unknown, ...more: unknown[]): void {
    this.write('verbose', message, more);
  }

  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, more);
  }

  private write(level: keyof typeof Logger & keyof LoggerService, message: unknown, more: unknown[]): void {
    const prefix = `[${this.backfill} run ${this.runId} range ${this.index}]`;
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    const fields = { backfill: this.backfill, runId: this.runId, range: this.index };
    const [line, ...params] = logArguments(`${prefix} ${text}`, fields);
    Logger[level](line, ...params, ...more, 'Backfill');
  }
}
