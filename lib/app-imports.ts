import { MikroORM } from '@mikro-orm/core';
import { getMikroORMToken } from '@mikro-orm/nestjs';
import { getSharedConfigToken } from '@nestjs/bullmq';
import type { InjectionToken, Provider } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { APP_ORM } from './database/entity-managers.js';
import { BackfillDefinitionError } from './errors/backfill-definition.error.js';
import { APP_SCHEDULE } from './supervision/app-intervals.js';

/** Token of the options of the app's `BullModule.forRoot`. */
export const APP_BULL = Symbol('nestjs-backfill:app-bull');

/** The options of the app's `BullModule.forRoot` that are used here. */
export interface BullRootOptions {
  readonly connection?: unknown;
}

/** Providers from the modules that the app must import. The error for a missing one names the line to add. */
export function appImports(contextName: string | undefined, bullConfigKey: string | undefined): Provider[] {
  const orm = contextName === undefined ? '' : `, contextName: '${contextName}'`;
  const bull = bullConfigKey === undefined ? '' : `'${bullConfigKey}', `;
  return [
    required(
      APP_ORM,
      contextName === undefined ? MikroORM : getMikroORMToken(contextName),
      `MikroOrmModule.forRoot({ ...${orm} })`,
      '@mikro-orm/nestjs',
    ),
    required(
      APP_BULL,
      getSharedConfigToken(bullConfigKey),
      `BullModule.forRoot(${bull}{ connection: { host: 'localhost', port: 6379 } })`,
      '@nestjs/bullmq',
    ),
    required(APP_SCHEDULE, SchedulerRegistry, 'ScheduleModule.forRoot()', '@nestjs/schedule'),
  ];
}

function required(provide: symbol, token: InjectionToken, line: string, from: string): Provider {
  return {
    provide,
    inject: [{ token, optional: true }],
    useFactory: (found: unknown) => {
      if (found === undefined || found === null) {
        const symbol = line.slice(0, line.indexOf('.'));
        throw new BackfillDefinitionError(
          `BackfillModule needs the app's own ${symbol}.forRoot, which is missing. Add to the imports of the ` +
            `app module:\n  ${line},   // import { ${symbol} } from '${from}'`,
        );
      }
      return found;
    },
  };
}
