import { MikroORM } from '@mikro-orm/core';
import { getMikroORMToken } from '@mikro-orm/nestjs';
import { getSharedConfigToken } from '@nestjs/bullmq';
import type { InjectionToken, Provider } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { DATABASE_CONTEXT } from './config/module-options.js';
import { APP_ORM, APP_ORM_FINDER } from './database/entity-managers.js';
import type { OrmFinder } from './database/entity-managers.js';
import { BackfillDefinitionError } from './errors/backfill-definition.error.js';
import { APP_SCHEDULE } from './supervision/app-intervals.js';

/** Token of the options of the app's `BullModule.forRoot`. */
export const APP_BULL = Symbol('nestjs-backfill:app-bull');

/** The name of the context of a `MikroOrmModule` without one. */
const DEFAULT_CONTEXT = 'default';

/** The options of `BullModule.forRoot` that the library uses. */
export interface BullRootOptions {
  readonly connection?: unknown;
}

/** Providers taken from modules that the app imports itself. Where one is missing, the error names the line to add. */
export function appImports(contextName: string | undefined, bullConfigKey: string | undefined): Provider[] {
  const context = contextName === undefined ? '' : `, contextName: '${contextName}'`;
  const key = bullConfigKey === undefined ? '' : `'${bullConfigKey}', `;
  return [
    { provide: DATABASE_CONTEXT, useValue: contextName ?? DEFAULT_CONTEXT },
    required(APP_ORM, contextName === undefined ? MikroORM : getMikroORMToken(contextName), {
      module: 'MikroOrmModule',
      args: `{ ...${context} }`,
      from: '@mikro-orm/nestjs',
    }),
    { provide: APP_ORM_FINDER, inject: [DiscoveryService], useFactory: ormFinder },
    required(APP_BULL, getSharedConfigToken(bullConfigKey), {
      module: 'BullModule',
      args: `${key}{ connection: { host: 'localhost', port: 6379 } }`,
      from: '@nestjs/bullmq',
    }),
    required(APP_SCHEDULE, SchedulerRegistry, {
      module: 'ScheduleModule',
      args: '',
      from: '@nestjs/schedule',
    }),
  ];
}

function ormFinder(discovery: DiscoveryService): OrmFinder {
  return (contextName) => {
    const named = getMikroORMToken(contextName);
    // A module without a name is the `default` one.
    const tokens: InjectionToken[] = contextName === DEFAULT_CONTEXT ? [named, MikroORM] : [named];
    const found = discovery.getProviders().find(({ token }) => tokens.includes(token));
    return found?.instance as MikroORM | undefined;
  };
}

/** The import that makes a provider available, for the error message. */
interface AppImport {
  readonly module: string;
  readonly args: string;
  readonly from: string;
}

function required(provide: symbol, token: InjectionToken, { module, args, from }: AppImport): Provider {
  return {
    provide,
    inject: [{ token, optional: true }],
    useFactory: (found: unknown) => {
      if (found === undefined || found === null) {
        throw new BackfillDefinitionError(
          `BackfillModule needs the app's own ${module}.forRoot, which is missing. Add it to the imports of the ` +
            `app module:\n  ${module}.forRoot(${args}),   // import { ${module} } from '${from}'`,
        );
      }
      return found;
    },
  };
}
