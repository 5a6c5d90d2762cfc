import { WorkerHost } from '@nestjs/bullmq';
import { ConsoleLogger } from '@nestjs/common';
import type { INestApplicationContext, LogLevel, Type } from '@nestjs/common';
import { DiscoveryService, NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { WORKERS_VARIABLE } from '../../config/module-options.js';

/** Boots the app as an application context without backfill workers, scheduled jobs and BullMQ processors. */
export async function bootApp(module: Type, verbose: boolean): Promise<INestApplicationContext> {
  process.env[WORKERS_VARIABLE] = 'false';
  const logger = new StderrLogger({
    logLevels: verbose ? ['log', 'warn', 'error', 'fatal'] : ['error', 'fatal'],
  });
  const app = await NestFactory.createApplicationContext(module, { abortOnError: false, logger });
  stopSchedules(app.get(SchedulerRegistry, { strict: false }));
  await pauseProcessors(app.get(DiscoveryService, { strict: false }));
  return app;
}

/** Logs to stderr at every level, because stdout carries the output of the command. */
class StderrLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], context?: string, logLevel?: LogLevel): void {
    super.printMessages(messages, context, logLevel, 'stderr');
  }
}

/** Stops `@Cron`, `@Interval` and `@Timeout` jobs, which the long-running processes of the app execute. */
function stopSchedules(schedules: SchedulerRegistry): void {
  for (const job of schedules.getCronJobs().values()) {
    void job.stop();
  }
  schedules.getIntervals().forEach((name) => schedules.deleteInterval(name));
  schedules.getTimeouts().forEach((name) => schedules.deleteTimeout(name));
}

/** Pauses the BullMQ workers of `@Processor` classes before they take a job. */
async function pauseProcessors(discovery: DiscoveryService): Promise<void> {
  const hosts = discovery.getProviders().map(({ instance }): unknown => instance);
  await Promise.all(
    hosts.filter((host) => host instanceof WorkerHost).map((host: WorkerHost) => host.worker.pause(true)),
  );
}
