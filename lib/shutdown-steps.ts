import type { Logger } from '@nestjs/common';
import { endsWithin } from './async/timeout.js';

/** Steps of the shutdown that run side by side. Their errors, mostly of an unreachable Redis, are logged. */
export class ShutdownSteps {
  private readonly running = new Map<string, Promise<void>>();

  /** @param steps by a name that a message can use */
  constructor(
    private readonly logger: Logger,
    steps: Readonly<Record<string, Promise<void>>>,
  ) {
    for (const [name, step] of Object.entries(steps)) {
      this.running.set(name, this.settle(name, step));
    }
  }

  /** The steps that have not ended. */
  get pending(): string[] {
    return [...this.running.keys()];
  }

  /** Whether all steps end within so many ms. */
  endWithin(ms: number): Promise<boolean> {
    return endsWithin(Promise.all(this.running.values()), ms);
  }

  private async settle(name: string, step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      this.logger.warn(`A shutdown step failed (${name}): ${String(error)}`);
    }
    this.running.delete(name);
  }
}
