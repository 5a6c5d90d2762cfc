import type { LoggerService } from '@nestjs/common';

/** Keeps what an app logs instead of printing it. */
export class LogRecorder implements LoggerService {
  readonly lines: string[] = [];

  log(message: unknown): void {
    this.keep('log', message);
  }

  warn(message: unknown): void {
    this.keep('warn', message);
  }

  error(message: unknown): void {
    this.keep('error', message);
  }

  debug(message: unknown): void {
    this.keep('debug', message);
  }

  verbose(message: unknown): void {
    this.keep('verbose', message);
  }

  fatal(message: unknown): void {
    this.keep('fatal', message);
  }

  /** Lines that hold the text, each begun with its level. */
  having(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  private keep(level: string, message: unknown): void {
    this.lines.push(`${level} ${String(message)}`);
  }
}
