import { Backfill } from 'nestjs-backfill';
import type { BackfillContext, BackfillOptions, BackfillRange } from 'nestjs-backfill';
import type { Type } from '@nestjs/common';

export interface BackfillDefinition<TRange extends BackfillRange, TRow> extends BackfillOptions {
  readonly processRange?: (range: TRange, context: BackfillContext) => Promise<number | void> | number | void;
  readonly processBatch?: (rows: TRow[], context: BackfillContext) => Promise<void> | void;
  readonly processRow?: (row: TRow, context: BackfillContext) => Promise<void> | void;
}

/** A handler class made of functions, so that a test sees what they see. */
export function defineBackfill<TRange extends BackfillRange = BackfillRange, TRow = unknown>(
  definition: BackfillDefinition<TRange, TRow>,
): Type {
  const { processRange, processBatch, processRow, ...options } = definition;
  @(Backfill(options) as ClassDecorator)
  class Defined {}
  const methods = Object.entries({ processRange, processBatch, processRow });
  Object.assign(Defined.prototype, Object.fromEntries(methods.filter(([, method]) => method !== undefined)));
  return Defined;
}
