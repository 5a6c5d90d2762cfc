/**
 * How long a test waits before it fails. A test that passes never waits this long: the values only bound how long one that
 * hangs lasts, so they leave room for a machine that is busy with something else. A test does not set one of its own.
 */

/** How long `eventually` waits for one condition. */
export const CONDITION_MS = 120_000;

/** How long a test or a hook may take. */
export const TEST_MS = 300_000;

/** How long connections and processes that are being closed may be left after the last test. */
export const RELEASE_MS = 60_000;
