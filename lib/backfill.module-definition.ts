import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { BackfillAdminOptions } from './admin/admin.options.js';
import { adminMetadata } from './admin/admin-metadata.js';
import { appImports } from './app-imports.js';
import type { BackfillModuleOptions } from './config/module-options.js';

/**
 * Options of `BackfillModule` that shape the module itself: they must be known before any provider is created, so with
 * `forRootAsync` they stand beside `useFactory`.
 *
 * @publicApi
 */
export interface BackfillModuleExtras {
  /** Whether `BackfillService` can be injected in every module without importing this one. Default `true`. */
  readonly isGlobal?: boolean;
  /** `contextName` of the `MikroOrmModule.forRoot` to use, in an app with several databases. Default: none. */
  readonly contextName?: string;
  /** Key of the `BullModule.forRoot(key, ...)` to use, in an app with several. Default: none. */
  readonly bullConfigKey?: string;
  /** Mounts the admin endpoints and their page. Default: not mounted. */
  readonly admin?: BackfillAdminOptions;
}

/** Lists every extra: `ConfigurableModuleBuilder` passes keys that are not listed to the options. */
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
