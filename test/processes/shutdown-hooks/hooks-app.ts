import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule } from 'nestjs-backfill';
import type { BackfillModuleOptions } from 'nestjs-backfill';
import { appModules, type BackfillAppSetup } from '../../support/apps/index.js';

export interface HooksSettings extends Pick<BackfillAppSetup, 'database' | 'redis'> {
  readonly options: BackfillModuleOptions;
  /** How the app is closed on a signal. */
  readonly closes: 'by hooks' | 'by a listener' | 'not';
}

/** An app in a process of its own, which prints its warnings. */
const settings = JSON.parse(process.argv[2] ?? '') as HooksSettings;

@Module({ imports: [...Object.values(appModules(settings)), BackfillModule.forRoot(settings.options)] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: ['warn', 'error'],
  abortOnError: false,
});
if (settings.closes === 'by hooks') {
  app.enableShutdownHooks();
} else if (settings.closes === 'by a listener') {
  process.once('SIGTERM', () => void app.close());
}
process.stdout.write('ready\n');
