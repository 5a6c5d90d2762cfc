import { WorkerHost } from '@nestjs/bullmq';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { DiscoveryService, NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { WORKERS_VARIABLE } from '../../config/module-options.js';
import { StderrLogger } from './stderr.logger.js';

/** Boots the app without HTTP, and leaves all work to the processes that are there for it. */
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

/** What the app does by the clock is not to happen once more for each command. */
function stopSchedules(schedules: SchedulerRegistry): void {
  for (const job of schedules.getCronJobs().values()) {
    void job.stop();
  }
  schedules.getIntervals().forEach((name) => schedules.deleteInterval(name));
  schedules.getTimeouts().forEach((name) => schedules.deleteTimeout(name));
}

async function pauseProcessors(discovery: DiscoveryService): Promise<void> {
  const hosts = discovery.getProviders().map(({ instance }): unknown => instance);
  await Promise.all(
    hosts.filter((host) => host instanceof WorkerHost).map((host: WorkerHost) => host.worker.pause(true)),
  );
}
