import { Inject, Injectable } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';

/** Token of the `SchedulerRegistry` of the app's `ScheduleModule`. */
export const APP_SCHEDULE = Symbol('nestjs-backfill:app-schedule');

/** A task that runs at an interval. */
export interface AppInterval {
  /** Ends the interval. Resolves when a task that is running has ended. */
  stop(): Promise<void>;
}

/** Runs tasks at intervals of the app's `@nestjs/schedule`, so that its `SchedulerRegistry` lists them by name. */
@Injectable()
export class AppIntervals {
  constructor(@Inject(APP_SCHEDULE) private readonly schedule: SchedulerRegistry) {}

  /** Starts an interval. A tick is skipped while the task of an earlier one is still running. */
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
