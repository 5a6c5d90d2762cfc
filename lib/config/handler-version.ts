import { BackfillDefinitionError } from '../errors/backfill-definition.error.js';
import { BackfillRequestError } from '../errors/backfill-request.error.js';
import { describeValue } from '../errors/describe-value.js';

/**
 * What processes do with a run of another version of the handler: `hold` leaves it alone, `warn` works on it and has the
 * status warn.
 *
 * @publicApi
 */
export type OnOtherVersion = 'hold' | 'warn';

/** The version of a handler or of a run, and what happens where the other has another one. */
export interface HandlerVersion {
  readonly version: string | null;
  readonly onOtherVersion: OnOtherVersion;
}

/** A version that a run adopts, and the policy of the handler that asks for it. */
export interface Adoption {
  readonly version: string;
  readonly onOtherVersion: OnOtherVersion;
}

const EXPECTED = 'a text of 1 to 200 characters without control characters';

/** Validates the options of a handler. */
export function parseHandlerVersion(
  backfill: string,
  {
    version = '',
    onOtherVersion = 'warn',
  }: { readonly version?: unknown; readonly onOtherVersion?: unknown },
): HandlerVersion {
  if (version !== '' && version !== null && !isVersion(version)) {
    throw invalid(backfill, `version to be ${EXPECTED}`, describeValue(version));
  }
  if (onOtherVersion !== 'hold' && onOtherVersion !== 'warn') {
    throw invalid(backfill, `onOtherVersion to be 'hold' or 'warn'`, describeValue(onOtherVersion));
  }
  if (onOtherVersion === 'hold' && !version) {
    throw invalid(backfill, `@Backfill({ onOtherVersion: 'hold' }) to have a version`, 'none');
  }
  return { version: version || null, onOtherVersion };
}

/** Validates the version that an operator has a run adopt. */
export function parseAdoptVersion(backfill: string, adoptVersion: unknown): string | null {
  if (adoptVersion !== undefined && !isVersion(adoptVersion)) {
    throw new BackfillRequestError(backfill, 'adoptVersion', EXPECTED, adoptVersion);
  }
  return adoptVersion ?? null;
}

/** Whether a handler must leave a run alone: one of them holds on another version, and their versions differ. */
export function isHeldForVersion(run: HandlerVersion, handler: HandlerVersion): boolean {
  return (
    run.version !== handler.version && (run.onOtherVersion === 'hold' || handler.onOtherVersion === 'hold')
  );
}

/** The version as scripts take it: `hold|2`, and `warn|` without a version. */
export function encodeHandlerVersion({ version, onOtherVersion }: HandlerVersion): string {
  return `${onOtherVersion}|${version ?? ''}`;
}

/** The arguments of scripts for an adoption; empty for none. */
export function encodeAdoption(adoption: Adoption | undefined): [version: string, policy: string] {
  return adoption ? [adoption.version, adoption.onOtherVersion] : ['', ''];
}

function isVersion(value: unknown): value is string {
  return typeof value === 'string' && /^\P{Cc}{1,200}$/u.test(value);
}

function invalid(backfill: string, expected: string, got: string): BackfillDefinitionError {
  return new BackfillDefinitionError(`Backfill "${backfill}": expected ${expected}, got ${got}.`);
}
