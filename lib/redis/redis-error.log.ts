import { Injectable, Logger } from '@nestjs/common';

const REPEAT_AFTER_MS = 30_000;

/** Logs an error of the connections at most every 30 seconds: an outage causes hundreds. */
@Injectable()
export class RedisErrorLog {
  private readonly logger = new Logger('Backfill');
  private last = '';
  private at = -Infinity;

  readonly listener = (error: Error): void => {
    const text = error.message || error.name;
    const now = performance.now();
    if (text === this.last && now - this.at < REPEAT_AFTER_MS) {
      return;
    }
    this.last = text;
    this.at = now;
    this.logger.warn(`Redis: ${text}; work continues when Redis answers`);
  };
}
