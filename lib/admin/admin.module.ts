import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import type { BackfillAdminOptions } from './admin.options.js';
import { adminParts } from './admin.parts.js';

/**
 * The admin endpoints, event stream and page, for apps that mount them apart from `BackfillModule`, which
 * must be global then.
 *
 * @example
 * ```ts
 * BackfillAdminModule.register({ path: 'admin/backfills', guards: [AdminGuard] })
 * ```
 *
 * @publicApi
 */
@Module({})
export class BackfillAdminModule {
  /** Mounts them at a path. The app does not start without guards, unless `allowUnguarded` says so. */
  static register(options: BackfillAdminOptions): DynamicModule {
    return { module: BackfillAdminModule, ...adminParts(options) };
  }
}
