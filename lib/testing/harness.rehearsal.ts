import type { EntityManager } from '@mikro-orm/core';
import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import { requireGuard } from '../processing/guard/require-guard.js';
import type { Rehearsal } from '../rehearsal/rehearsal.js';
import { RehearsalQuota } from '../rehearsal/rehearsal.quota.js';
import { RehearsalRun } from '../rehearsal/rehearsal.run.js';
import { parseRehearseOptions } from '../rehearsal/rehearse-options.js';
import { requireColumns } from '../rehearsal/require-columns.js';
import type { HarnessRehearseOptions } from './harness-options.js';

/** Rehearses a backfill in a test: as `BackfillService.rehearse`, without Redis, and without a forecast. */
export async function rehearseInTest(
  backfill: RegisteredBackfill,
  config: BackfillConfig,
  fork: () => EntityManager,
  { from, to, ...options }: HarnessRehearseOptions,
): Promise<Rehearsal> {
  const { name, shape, source } = backfill;
  const limits = parseRehearseOptions(name, options);
  const em = fork();
  await requireColumns(em, name);
  await source.prepare?.({ em, backfill: name }, { loadsRows: shape !== 'range' });
  requireGuard(em, backfill);
  const opening = await source.open({ em, backfill: name }, { from, to });
  const unlimited = { acquire: () => Promise.resolve({ kind: 'unlimited' } as const) };
  const quota = new RehearsalQuota(unlimited, name, null, null, unlimited, 1);
  const signal = AbortSignal.timeout(limits.timeoutMs);
  const run = new RehearsalRun(backfill, { fork }, { limits, config, quota, signal });
  await run.perform(em, opening);
  em.clear();
  return run.result(null);
}
