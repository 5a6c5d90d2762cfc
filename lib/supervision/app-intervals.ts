import { Inject, Injectable } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';

/** Token of the `SchedulerRegistry` of the app's `ScheduleModule`. */
export const APP_SCHEDULE = Symbol('nestjs-backfill:app-schedule');

/** A task that runs at an interval. */
export interface AppInterval {
  /** Ends the interval, and resolves when the task that is under way has ended. */
  stop(): Promise<void>;
}

/** Runs tasks at intervals of the app's `@nestjs/schedule`, where the app sees them under their names. */
@Injectable()
export class AppIntervals {
  constructor(@Inject(APP_SCHEDULE) private readonly schedule: SchedulerRegistry) {}

  /** Starts an interval. A task that takes longer than the interval is not started a second time beside itself. */
  start(name: string, everyMs: number, task: () => Promise<void>): AppInterval {
    let running: Promise<void> | undefined;
    const timer = setInterval(() => {
      running ??= task().finally(() => {
        running = undefined;
      });
    }, everyMs);
    this.schedule.addInterval(name, timer);
    return {
      stop: async () => {
        if (this.schedule.doesExist('interval', name)) {
          this.schedule.deleteInterval(name);
        }
        await running;
      },
    };
  }
}
