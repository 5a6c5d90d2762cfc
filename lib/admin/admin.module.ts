import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { adminMetadata } from './admin-metadata.js';
import type { BackfillAdminOptions } from './admin.options.js';

/**
 * The admin endpoints, their event stream and their page as a module, for apps that mount them elsewhere than in the
 * module that imports `BackfillModule`. `BackfillModule` must be global, as it is by default, and its option `admin` is
 * left out.
 *
 * @example
 * ```ts
 * @Module({
 *   imports: [BackfillAdminModule.register({ path: 'admin/backfills', guards: [AdminGuard] })],
 *   providers: [AdminGuard],
 * })
 * export class OperationsModule {}
 * ```
 *
 * @publicApi
 */
@Module({})
export class BackfillAdminModule {
  /**
   * Mounts the endpoints below `options.path`.
   *
   * The options are validated while the app is created, which fails with `BackfillDefinitionError` for an invalid
   * option, and without guards unless `allowUnguarded` is `true`. A backfill whose name is that of a route, such as `ui` or
   * `hold`, fails it, too.
   */
  static register(options: BackfillAdminOptions): DynamicModule {
    return { module: BackfillAdminModule, ...adminMetadata(options) };
  }
}
