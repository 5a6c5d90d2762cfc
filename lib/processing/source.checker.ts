import { Injectable } from '@nestjs/common';
import { EntityManagers } from '../database/entity-managers.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { BackfillSource } from '../sources/backfill-source.js';
import { requireGuard } from './guard/require-guard.js';

/**
 * Checks that a source fits its entity and its handler, once: when the app starts, or for a source that is made from the
 * parameters of a run when that is started, and in each process that works on it.
 */
@Injectable()
export class SourceChecker {
  private readonly checked = new WeakSet<BackfillSource>();

  constructor(private readonly managers: EntityManagers) {}

  /** Throws what refuses the backfill, and the error of a database that cannot be reached. */
  async check(backfill: RegisteredBackfill): Promise<void> {
    const { name, source, shape, verifiesRows } = backfill;
    if (this.checked.has(source)) {
      return;
    }
    const context = { em: this.managers.fork(backfill), backfill: name };
    requireGuard(context.em, backfill);
    // The sample of a verification loads rows by their keys for a range handler, too.
    await source.prepare?.(context, { loadsRows: shape !== 'range' || verifiesRows === true });
    this.checked.add(source);
  }
}
