/** How long `eventually` waits for one condition. */
export const CONDITION_MS: number;

/** How long a test or a hook may take. */
export const TEST_MS: number;

/** How long connections and processes that are being closed may be left after the last test. */
export const RELEASE_MS: number;
