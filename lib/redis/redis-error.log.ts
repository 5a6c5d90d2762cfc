import { Injectable, Logger } from '@nestjs/common';

const QUIET_MS = 30_000;

/** Says an error of the connection once in a while: an outage brings hundreds. */
@Injectable()
export class RedisErrorLog {
  private readonly logger = new Logger('Backfill');
  private last = '';
  private at = -Infinity;

  readonly listener = (error: Error): void => {
    const text = error.message || error.name;
    const now = performance.now();
    if (text === this.last && now - this.at < QUIET_MS) {
      return;
    }
    this.last = text;
    this.at = now;
    this.logger.warn(`Redis: ${text}; work goes on as soon as it answers`);
  };
}
