import { countOf } from '../errors/count-of.js';
import type { INestApplicationContext } from '@nestjs/common';
import { BackfillService } from '../backfill.service.js';
import { bootApp } from '../cli/app/boot-app.js';
import { loadModule } from '../cli/app/load-module.js';
import { locateApp } from '../cli/app/locate-app.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { BackfillConflictError } from '../errors/backfill-conflict.error.js';
import { RunBinder, withoutParams } from '../handlers/run.binder.js';
import type { Binding } from '../handlers/run.binder.js';
import { EntityManagers } from '../database/entity-managers.js';
import { countLeft } from '../planning/count-left.js';
import { coverageProblems } from './coverage-problems.js';
import { RunStore } from '../state/run.store.js';
import type { BackfillStatus } from '../status/backfill-status.js';

/**
 * Options of {@link ensureCompleted}.
 *
 * @publicApi
 */
export interface EnsureCompletedOptions {
  /**
   * A running app, which is not closed, or the path and export of a built root module, such as
   * `dist/app.module.js#AppModule`. Default: the built app in the working directory, located as the command
   * line locates it. An app that is not running is booted without workers and closed at the end.
   */
  readonly app?: INestApplicationContext | string;
  /**
   * Whether the newest run must have been verified (`verify` of `@Backfill` or `start`), with nothing left. Default `false`.
   */
  readonly verified?: boolean;
}

/**
 * Asserts that a backfill is complete, at the start of a migration that depends on it: its newest run
 * completed without failures and was neither a dry run nor an undo, and no row matches the `where` of its source any more. Without a
 * `where`, its completed runs together must have covered every row: a run that was started with `from` or `to` has
 * covered its bounds, and a run that found no rows has covered none. Where the source depends on parameters, those of the
 * newest run count, and only runs with the same. With `verified`, the newest run must also have been
 * verified. Where its partitions are in several databases, each must be complete.
 *
 * @param name name of the backfill
 *
 * @example
 * ```ts
 * override async up(): Promise<void> {
 *   await ensureCompleted('reencrypt-messages');
 *   this.addSql('alter table messages drop column old_text');
 * }
 * ```
 *
 * @throws BackfillConflictError when it is not complete; the message has the state of the run, the failures
 *   and the number of rows that still match
 * @throws BackfillNotFoundError when the app has no backfill of that name
 * @throws BackfillError with the code `BACKFILL_CLI_USAGE` when the built app is not found
 *
 * @publicApi
 */
export async function ensureCompleted(name: string, options: EnsureCompletedOptions = {}): Promise<void> {
  if (typeof options.app === 'object') {
    await assertCompleted(name, options.app, options);
    return;
  }
  const location = locateApp(process.cwd(), { app: options.app });
  const app = await bootApp(await loadModule(location), false);
  try {
    await assertCompleted(name, app, options);
  } finally {
    await app.close();
  }
}

async function assertCompleted(
  name: string,
  app: INestApplicationContext,
  options: EnsureCompletedOptions,
): Promise<void> {
  const partitions = app.get(BackfillRegistry, { strict: false }).partitionsOf(name);
  for (const own of partitions.length > 0 ? partitions : [name]) {
    await assertOneCompleted(own, app, options);
  }
}

async function assertOneCompleted(
  name: string,
  app: INestApplicationContext,
  { verified = false }: EnsureCompletedOptions,
): Promise<void> {
  const status = await app.get(BackfillService, { strict: false }).status(name);
  const binding = await bindNewest(app, name, status.runId);
  const backfill = binding && 'backfill' in binding ? binding.backfill : null;
  const managers = app.get(EntityManagers, { strict: false });
  const left =
    backfill && (await countLeft(backfill.source, { em: managers.fork(backfill), backfill: name }));
  const problems = incompleteness(status, left);
  if (binding && 'refusal' in binding) {
    problems.push(`its newest run is not one of this version of the app: ${binding.refusal}`);
  }
  if (verified) {
    problems.push(...unverified(status));
  }
  if (problems.length === 0 && left === null && backfill && status.runId !== null) {
    problems.push(...(await coverageProblems(app, backfill, status.runId)));
  }
  if (problems.length > 0) {
    throw new BackfillConflictError(
      `Backfill "${name}" is not complete: ${problems.join('; ')}. ` +
        'Complete the backfill before running this migration.',
    );
  }
}

/** The backfill with the parameters of its newest run; `null` where that is needed and there is no run. */
async function bindNewest(
  app: INestApplicationContext,
  name: string,
  runId: string | null,
): Promise<Binding | null> {
  const declared = app.get(BackfillRegistry, { strict: false }).get(name);
  const run = runId === null ? null : await app.get(RunStore, { strict: false }).read(runId);
  if (run) {
    return app.get(RunBinder, { strict: false }).bind(declared, run);
  }
  const backfill = withoutParams(declared);
  return backfill && { backfill };
}

/** Why a backfill is not complete; empty when it is. `left` is `null` when the source cannot count rows. */
function incompleteness(status: BackfillStatus, left: number | null): string[] {
  const { state, dryRun, done, planned, outstanding, failed, rowsFailed, rowsMissing, percent } = status;
  const problems: string[] = [];
  if (state === 'idle') {
    problems.push('it has never been run');
  } else if (dryRun) {
    problems.push('its newest run was a dry run');
  } else if (status.undoes !== null) {
    problems.push(`its newest run undid run ${status.undoes}`);
  } else if (state !== 'completed') {
    problems.push(
      `it is ${state} at ${percent} %, with ${done} of ${planned} planned ranges done and ${outstanding} outstanding`,
    );
  }
  if (failed + rowsFailed > 0) {
    problems.push(`${countOf(failed, 'range')} and ${countOf(rowsFailed, 'row')} failed`);
  }
  if (rowsMissing > 0) {
    problems.push(`${rowsMissing} ${rowsMissing === 1 ? 'row is' : 'rows are'} missing`);
  }
  if (left !== null && left > 0) {
    problems.push(`${left} ${left === 1 ? 'row still matches' : 'rows still match'} its where`);
  }
  return problems;
}

/** Why the verification of the newest run proves nothing; empty when it does. */
function unverified({ state, runId, verified }: BackfillStatus): string[] {
  if (runId === null) {
    return [];
  }
  if (!verified) {
    return ['its newest run was not verified: start one with verify: true'];
  }
  const { left, sampled } = verified;
  // A source that cannot be swept is verified by its sample alone.
  const isProved = left === 0 || (left === null && sampled > 0);
  return state === 'completed' && !isProved
    ? [
        `its verification ended with ${left === null || left === undefined ? 'an unknown number of rows' : countOf(left, 'row')} left`,
      ]
    : [];
}
