import { setTimeout as sleep } from 'node:timers/promises';
import type { BackfillService, BackfillStatus } from 'nestjs-backfill';
import type { Progress } from './progress.js';

const LOOK_EVERY_MS = 100;

/** Looks at one backfill until something holds, and shows what it sees. */
export class Watch {
  constructor(
    private readonly backfills: BackfillService,
    private readonly name: string,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  async until(holds: (status: BackfillStatus) => boolean): Promise<BackfillStatus> {
    for (;;) {
      const status = await this.backfills.status(this.name);
      this.progress.show(status);
      if (status.finishedAt !== null || holds(status)) {
        return status;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.signal });
    }
  }

  async percent(least: number): Promise<BackfillStatus> {
    return this.until(({ percent }) => percent >= least);
  }

  async forMs(ms: number): Promise<BackfillStatus> {
    const end = performance.now() + ms;
    return this.until(() => performance.now() >= end);
  }

  async toTheEnd(): Promise<BackfillStatus> {
    return this.until(() => false);
  }
}
