import type { EntityManager } from '@mikro-orm/core';
import { parseVerify } from '../config/verify-options.js';
import type { VerifyOptions } from '../config/verify-options.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { OpenRequest } from '../sources/backfill-source.js';
import type { StartOptions } from '../state/run-actions.js';
import { newVerification } from '../state/verification.js';
import type { Verification } from '../state/verification.js';

const DEFAULT_SWEEPS = 3;
const DEFAULT_SAMPLE = 1_000;

/**
 * The verification of a run that is started; `null`: it is not verified.
 *
 * @param now epoch ms by the clock of Redis
 * @throws BackfillRequestError where the source cannot be verified as asked for
 */
export async function resolveVerification(
  backfill: RegisteredBackfill,
  { verify, dryRun = false, from, to }: StartOptions,
  em: EntityManager,
  now: number,
): Promise<Verification | null> {
  const { name, source, verify: defaults } = backfill;
  const parsed = parseVerify(verify);
  if ('problem' in parsed) {
    throw new BackfillRequestError(
      name,
      parsed.problem.field,
      parsed.problem.expected,
      parsed.problem.received,
    );
  }
  if (dryRun && parsed.options) {
    throw new BackfillRequestError(name, 'verify', 'false in a dry run, which changes no row', verify);
  }
  const requested = verify === undefined ? (defaults ?? null) : parsed.options;
  if (!requested || dryRun) {
    return null;
  }
  const options = { ...defaults, ...requested };
  const request = storable({ from, to });
  const sample = sampleOf(backfill, options);
  const canSweep =
    options.sweeps !== 0 && ((await source.openSweep?.({ em, backfill: name }, request)) ?? null) !== null;
  if (!canSweep && (sample === 0 || (options.sweeps ?? 0) > 0)) {
    throw new BackfillRequestError(
      name,
      'verify.sweeps',
      source.openSweep
        ? '1 or more of a source with a where that excludes rows that are done (nothing else tells which are left)'
        : '1 or more of a source that has the methods openSweep and planSweep',
      options.sweeps ?? `none, of a source of kind ${source.kind}`,
    );
  }
  return newVerification({ sweeps: canSweep ? (options.sweeps ?? DEFAULT_SWEEPS) : 0, sample }, request, now);
}

/** Rows of the sample; 0 where the handler says nothing of how rows are verified. */
function sampleOf({ name, source, verifiesRows }: RegisteredBackfill, { sample }: VerifyOptions): number {
  if (!verifiesRows) {
    if (sample !== undefined && sample > 0) {
      const expected = '0 without verify.row of @Backfill, or a method verifyRow of its class';
      throw new BackfillRequestError(name, 'verify.sample', expected, sample);
    }
    return 0;
  }
  const missing = (['load', 'keyOf', 'loadKeys'] as const).filter((method) => !source[method]);
  if (missing.length > 0 && sample !== 0) {
    const expected = `0 of a source without the methods ${missing.join(', ')}`;
    throw new BackfillRequestError(name, 'verify.sample', expected, sample ?? DEFAULT_SAMPLE);
  }
  return sample ?? DEFAULT_SAMPLE;
}

/** Bounds as `start` accepts them in JSON, too: a run outlives its process. */
function storable(request: OpenRequest): Verification['request'] {
  const text = JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return JSON.parse(text) as Verification['request'];
}
