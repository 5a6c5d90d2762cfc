import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { BackfillAdminOptions } from './admin/admin.options.js';
import { adminMetadata } from './admin/admin-metadata.js';
import { appImports } from './app-imports.js';
import type { BackfillModuleOptions } from './config/module-options.js';

/** Options that define the module itself (its scope, imports and controllers), known before any provider is created. */
export interface BackfillModuleExtras {
  /** Whether `BackfillService` can be injected everywhere without importing the module. Default true. */
  readonly isGlobal?: boolean;
  /** `contextName` of the app's `MikroOrmModule.forRoot`, where it has several databases. */
  readonly contextName?: string;
  /** Key of the app's `BullModule.forRoot(key, ...)`, where it has several. */
  readonly bullConfigKey?: string;
  /** Mounts the admin endpoints and their page. Default: nothing is mounted. */
  readonly admin?: BackfillAdminOptions;
}

/** `setExtras` needs every key: one that is missing here would be passed on as a module option. */
const EXTRAS: BackfillModuleExtras = {
  isGlobal: true,
  contextName: undefined,
  bullConfigKey: undefined,
  admin: undefined,
};

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<BackfillModuleOptions>({ moduleName: 'Backfill' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createBackfillOptions')
    .setExtras<BackfillModuleExtras>(
      EXTRAS,
      (definition, { isGlobal, contextName, bullConfigKey, admin }) => {
        const mounted = admin ? adminMetadata(admin) : { controllers: [], providers: [] };
        return {
          ...definition,
          global: isGlobal ?? true,
          controllers: [...(definition.controllers ?? []), ...mounted.controllers],
          providers: [
            ...(definition.providers ?? []),
            ...appImports(contextName, bullConfigKey),
            ...mounted.providers,
          ],
        };
      },
    )
    .build();
