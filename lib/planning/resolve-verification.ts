import type { EntityManager } from '@mikro-orm/core';
import { parseVerify } from '../config/verify-options.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { OpenRequest, SourceOpening } from '../sources/backfill-source.js';
import type { StartOptions } from '../state/run-actions.js';
import { cursorField } from '../state/run-record.js';
import { cursorText, newVerification } from '../state/verification.js';
import type { Verification } from '../state/verification.js';

const DEFAULT_SWEEPS = 3;

/**
 * The verification of a run that is started; `null`: it is not verified.
 *
 * @param now epoch ms by the clock of Redis
 * @throws BackfillRequestError where the source cannot be verified as asked for
 */
export async function resolveVerification(
  { name, source, verify: defaults }: RegisteredBackfill,
  { verify, dryRun = false, from, to }: StartOptions,
  em: EntityManager,
  now: number,
): Promise<Verification | null> {
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
  const context = { em, backfill: name };
  const canSweep = options.sweeps !== 0 && ((await source.openSweep?.(context, request)) ?? null) !== null;
  if (!canSweep) {
    throw new BackfillRequestError(
      name,
      'verify.sweeps',
      source.openSweep
        ? '1 or more of a source with a where that excludes rows that are done (nothing else tells which are left)'
        : '1 or more of a source that has the methods openSweep and planSweep',
      options.sweeps ?? `none, of a source of kind ${source.kind}`,
    );
  }
  return newVerification(options.sweeps ?? DEFAULT_SWEEPS, request, now);
}

/** The fields of a run that is verified. Its cursors are there from the beginning: see `Reservation.verified`. */
export function verifiedFields(
  verification: Verification,
  { partitions }: SourceOpening,
): Record<string, string> {
  const names = new Set(['', ...partitions.map(({ name }) => name)]);
  return {
    verification: JSON.stringify(verification),
    ...Object.fromEntries([...names].map((name) => [cursorField(name), cursorText(null, true)])),
  };
}

/** Bounds as `start` accepts them in JSON, too: a run outlives its process. */
function storable(request: OpenRequest): Verification['request'] {
  const text = JSON.stringify(request, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return JSON.parse(text) as Verification['request'];
}
