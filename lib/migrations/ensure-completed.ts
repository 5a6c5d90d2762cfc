import type { INestApplicationContext } from '@nestjs/common';
import { BackfillService } from '../backfill.service.js';
import { bootApp } from '../cli/app/boot-app.js';
import { loadModule } from '../cli/app/load-module.js';
import { locateApp } from '../cli/app/locate-app.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { EntityManagers } from '../database/entity-managers.js';
import type { BackfillStatus } from '../state/backfill-status.js';

/**
 * Which app to ask.
 *
 * @publicApi
 */
export interface EnsureCompletedOptions {
  /**
   * A running app, or the path of a built one as in `dist/app.module.js#AppModule`. Default: the built app
   * is found as the command line finds it, booted without workers and closed again.
   */
  readonly app?: INestApplicationContext | string;
}

/**
 * The gate of a migration that relies on a backfill: passes when its newest run completed without failures
 * and no row matches the `where` of its source any more.
 *
 * @example
 * ```ts
 * override async up() {
 *   await ensureCompleted('reencrypt-messages');
 *   this.addSql('alter table messages drop column old_text');
 * }
 * ```
 *
 * @throws BackfillConflictError with the state and what is left
 * @throws BackfillNotFoundError when the app has no such backfill
 *
 * @publicApi
 */
export async function ensureCompleted(name: string, options: EnsureCompletedOptions = {}): Promise<void> {
  if (typeof options.app === 'object') {
    await check(name, options.app);
    return;
  }
  const location = locateApp(process.cwd(), { app: options.app });
  const app = await bootApp(await loadModule(location), false);
  try {
    await check(name, app);
  } finally {
    await app.close();
  }
}

async function check(name: string, app: INestApplicationContext): Promise<void> {
  const status = await app.get(BackfillService, { strict: false }).status(name);
  const left = await countLeft(name, app);
  const reasons = reasonsAgainst(status, left);
  if (reasons.length > 0) {
    throw new BackfillConflictError(
      `Backfill "${name}" is not through: ${reasons.join('; ')}. Let it complete before this migration runs.`,
    );
  }
}

/** What speaks against a migration; nothing when it may run. */
export function reasonsAgainst(status: BackfillStatus, left: number | null): string[] {
  const { state, dryRun, done, planned, outstanding, failed, rowsFailed, percent } = status;
  const reasons: string[] = [];
  if (state === 'idle') {
    reasons.push('it has never been run');
  } else if (dryRun) {
    reasons.push('its newest run was a dry run');
  } else if (state !== 'completed') {
    reasons.push(
      `it is ${state} at ${percent} %, with ${done} of ${planned} planned ranges done and ${outstanding} outstanding`,
    );
  }
  if (failed + rowsFailed > 0) {
    reasons.push(`${failed} ranges and ${rowsFailed} rows failed`);
  }
  if (left !== null && left > 0) {
    reasons.push(`${left} rows still match its where`);
  }
  return reasons;
}

async function countLeft(name: string, app: INestApplicationContext): Promise<number | null> {
  const { source } = app.get(BackfillRegistry, { strict: false }).get(name);
  const em = app.get(EntityManagers, { strict: false }).fork();
  return (await source.countLeft?.({ em, backfill: name })) ?? null;
}
