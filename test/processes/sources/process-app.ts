import 'reflect-metadata';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BackfillModule } from 'nestjs-backfill';
import type { BackfillModuleOptions } from 'nestjs-backfill';
import { appModules, type BackfillAppSetup } from '../../support/apps/backfill-app.js';
import { answerParent } from '../../support/processes/index.js';
import { handlersOf, type HandlerPlan } from './handlers.js';

/** An app with workers in a process of its own, which can be killed. */
export interface ProcessSettings extends Pick<BackfillAppSetup, 'database' | 'redis'>, HandlerPlan {
  readonly options: BackfillModuleOptions;
}

const settings = JSON.parse(process.env['SOURCES_SETTINGS'] ?? '') as ProcessSettings;

@Module({
  imports: [...Object.values(appModules(settings)), BackfillModule.forRoot(settings.options)],
  providers: handlersOf(settings),
})
class AppModule {}

await NestFactory.createApplicationContext(AppModule, {
  logger: new ConsoleLogger({ logLevels: ['error'] }),
  abortOnError: false,
});
answerParent(() => null);
