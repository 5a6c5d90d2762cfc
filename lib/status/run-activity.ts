import type { RunRecord } from '../state/run-record.js';
import type { BackfillSample } from '../state/sample.store.js';

/** Samples are taken once a second. */
const SAMPLED_MS = 2_000;

/**
 * When something was last done, in epoch ms: as the scripts recorded it, or as the samples show it of workers of earlier
 * versions, which do not record it. `null` where it is not known.
 */
export function activeAtOf({ activeAt }: RunRecord, samples: readonly BackfillSample[]): number | null {
  const index = samples.findIndex((sample, i) => {
    const before = samples[i + 1];
    return before !== undefined && countsOf(sample) !== countsOf(before);
  });
  const sampled = samples[index]?.at ?? null;
  // A sample shows it up to a second later.
  return activeAt === null || (sampled !== null && sampled - activeAt > SAMPLED_MS) ? sampled : activeAt;
}

/** What changes when something is done. */
function countsOf({ done, rowsDone, rowsFailed }: BackfillSample): string {
  return `${done} ${rowsDone} ${rowsFailed}`;
}
