import 'reflect-metadata';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { answerParent } from '../../support/processes/parent.js';
import { environmentBackfill, environmentModules, redisConnection } from './environment-app.js';
import type { EnvironmentPlan } from './environment-plan.js';

/** An app with workers in a process of its own, which can be killed. SIGTERM ends it. */
const plan = JSON.parse(process.env['ENVIRONMENT_PLAN'] ?? '') as EnvironmentPlan;
const { connection } = redisConnection(plan.redis);

@Module({ imports: environmentModules(plan, connection), providers: [environmentBackfill(plan)] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, {
  logger: new ConsoleLogger({ logLevels: ['error', 'warn'], forceConsole: true }),
  abortOnError: false,
});
app.enableShutdownHooks(['SIGTERM']);
answerParent(() => null);
