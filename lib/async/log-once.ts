import type { Logger } from '@nestjs/common';

/** Logs the first of consecutive failures as a warning and the others at debug level. */
export class LogOnce {
  private failing = false;

  constructor(private readonly logger: Logger) {}

  /** True from the first failure until `recover`. */
  get isFailing(): boolean {
    return this.failing;
  }

  warn(message: string): void {
    this.logger[this.failing ? 'debug' : 'warn'](message);
    this.failing = true;
  }

  /** The next failure is logged as a warning again. */
  recover(): void {
    this.failing = false;
  }
}
