import { httpError } from './http-errors.js';

const EXPECTED = 'the ETag that GET gave, such as "7", or *';

/** The version of a config as an `ETag`. */
export function entityTag(version: string): string {
  return `"${version}"`;
}

/**
 * The version that `If-Match` asks for; none where any will do. A weak tag counts too, as proxies that
 * compress make it one.
 */
export function versionAsked(ifMatch: string | undefined): string | undefined {
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
