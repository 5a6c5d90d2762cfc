import { httpError } from './http-error.js';

const EXPECTED = 'the ETag of a GET response, such as "7", or *';

/** The version of a config as an `ETag`. */
export function entityTag(version: string): string {
  return `"${version}"`;
}

/**
 * The config version that `If-Match` requires; `undefined` without the header or with `*`. Weak tags match, too:
 * proxies that compress turn a strong tag into a weak one.
 */
export function requiredVersion(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') {
    return undefined;
  }
  const version = /^\s*(?:W\/)?"(\d{1,15})"\s*$/.exec(ifMatch)?.[1];
  if (version === undefined) {
    const received = JSON.stringify(ifMatch.slice(0, 60));
    throw httpError(
      400,
      'BACKFILL_REQUEST_INVALID',
      `Expected If-Match to be ${EXPECTED}, got ${received}.`,
      [{ field: 'If-Match', expected: EXPECTED, received }],
    );
  }
  return version;
}
