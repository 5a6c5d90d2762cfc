import type { EntityManager } from '@mikro-orm/core';
import { parseCanary } from '../config/canary-options.js';
import type { CanaryOptions } from '../config/canary-options.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { BackfillSourceError } from '../errors/backfill-source.error.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { SourceOpening } from '../sources/backfill-source.js';
import { planExact, plansExactly } from '../sources/plan-exact.js';
import type { StartOptions } from '../state/run-actions.js';
import type { Verification } from '../state/verification.js';

const MAX_SAMPLE = 1_000;

/** The canary of a run that is started. */
export interface ResolvedCanary extends Required<CanaryOptions> {
  /** Most rows that `verify.row` is asked about before the verdict; 0: none. */
  readonly sample: number;
}

/**
 * The canary of a run that is started; `null`: it has none.
 *
 * @throws BackfillRequestError where the option is invalid, or the source cannot plan an exact number of rows
 */
export async function resolveCanary(
  backfill: RegisteredBackfill,
  options: StartOptions,
  opening: SourceOpening,
  verification: Verification | null,
  em: EntityManager,
): Promise<ResolvedCanary | null> {
  const canary = parseCanary(backfill.name, options.canary);
  if (!canary) {
    return null;
  }
  await assertExact(backfill, options, opening, em);
  return { ...canary, sample: options.dryRun ? 0 : sampleOf(backfill, canary, verification) };
}

function sampleOf(
  { source, verifiesRows }: RegisteredBackfill,
  { rows }: CanaryOptions,
  verification: Verification | null,
): number {
  const isReadable = (['load', 'keyOf', 'loadKeys'] as const).every((method) => source[method]);
  return verifiesRows && isReadable ? verification?.sample || Math.min(rows, MAX_SAMPLE) : 0;
}

/** Plans one row: a source that plans more would be found out only once the run exists. */
async function assertExact(
  { name, source }: RegisteredBackfill,
  { canary }: StartOptions,
  { partitions, total }: SourceOpening,
  em: EntityManager,
): Promise<void> {
  if (!plansExactly(source, total.exact)) {
    throw new BackfillRequestError(
      name,
      'canary',
      `absent: its source of kind "${source.kind}" only estimates the rows of its ranges, and has no method planExact`,
      canary,
    );
  }
  const partition = partitions.find(({ bounds }) => bounds !== null);
  if (!partition) {
    return;
  }
  try {
    const request = { partition: partition.name, bounds: partition.bounds, cursor: null };
    await planExact(source, { em, backfill: name }, { ...request, batchSize: 1, limit: 1, rows: 1 });
  } catch (cause) {
    if (!(cause instanceof BackfillSourceError)) {
      throw cause;
    }
    const expected = `absent: its source cannot plan an exact number of rows (${cause.message})`;
    throw new BackfillRequestError(name, 'canary', expected, canary, { cause });
  }
}
