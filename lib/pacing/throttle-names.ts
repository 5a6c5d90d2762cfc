import type { ResolvedModuleOptions } from '../config/module-options.js';
import type { HandledBackfill } from '../handlers/registered-backfill.js';

/** The names of the throttles of a backfill in this process, those of the module first. */
export function throttleNames({ throttles }: ResolvedModuleOptions, backfill: HandledBackfill): string[] {
  return [...new Set([...throttles, ...(backfill.throttles ?? [])].map(({ name }) => name))];
}
