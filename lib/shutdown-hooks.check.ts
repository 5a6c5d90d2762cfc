import { isMainThread } from 'node:worker_threads';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { RESOLVED_OPTIONS } from './config/module-options.js';
import type { ResolvedModuleOptions } from './config/module-options.js';

/** What orchestrators, terminals and process managers ask a process to end by; `message` is how PM2 may do it. */
const REQUESTS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'message'];

/** Apps enable their hooks after the start, where `createApplicationContext` has run it. */
const CHECK_AFTER_MS = 5_000;

/**
 * Whether a process listens to nothing that asks it to end, so that it dies in the middle of its work. A listener that is
 * there may close the app in another way than by Nest's hooks.
 */
export function endsAtOnce(listeners: { listenerCount(event: string): number }): boolean {
  return REQUESTS.every((event) => listeners.listenerCount(event) === 0);
}

/**
 * Warns when the app has not enabled its shutdown hooks. Nest tells no provider whether they are enabled; they show as
 * listeners of the process.
 */
@Injectable()
export class ShutdownHooksCheck implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Backfill');
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(RESOLVED_OPTIONS) private readonly options: ResolvedModuleOptions) {}

  onApplicationBootstrap(): void {
    // A test closes its app itself, and signals reach the main thread alone.
    const isChecked = this.options.workers !== false && isMainThread && process.env['NODE_ENV'] !== 'test';
    if (isChecked) {
      this.timer = setTimeout(() => this.check(), CHECK_AFTER_MS).unref();
    }
  }

  beforeApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private check(): void {
    if (endsAtOnce(process)) {
      this.logger.warn(
        'The shutdown hooks are not enabled: a signal such as SIGTERM ends this process in the middle of its ranges. ' +
          `Other processes continue with them only ${this.options.lockDuration} ms later, and the status shows them as ` +
          'outstanding until then. Call app.enableShutdownHooks() where the app is created',
      );
    }
  }
}
