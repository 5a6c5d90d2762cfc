import { latestOf } from '../state/limiting-factor.js';
import type { ExpectedLateness } from '../state/limiting-factor.js';
import type { DatabaseReceipt, RunReceipt } from '../state/run-actions.js';
import type { RunStatus } from '../state/run-status.js';

/** A change of each backfill of a group, as far as it was possible. */
export interface GroupReceipt {
  /** Of the first that was not refused. */
  readonly state: RunStatus;
  readonly changed: boolean;
  /** Of the one that is expected to end latest; absent where no receipt has it. */
  readonly late?: ExpectedLateness | null;
  readonly databases: readonly DatabaseReceipt[];
}

/**
 * Changes the backfills of a group all at once. A database that is down, or where there is nothing to change, does not
 * keep the others from it.
 *
 * @throws the first error where all were refused
 */
export async function inEachDatabase(
  names: readonly string[],
  act: (name: string) => Promise<RunReceipt>,
): Promise<GroupReceipt> {
  const results = await Promise.allSettled(names.map(act));
  const accepted = results.find((result) => result.status === 'fulfilled');
  if (!accepted) {
    const refused = results.find((result) => result.status === 'rejected');
    throw refused?.reason as Error;
  }
  const databases = results.map((result, i): DatabaseReceipt => {
    const backfill = names[i] ?? '';
    if (result.status === 'rejected') {
      const { reason } = result as { readonly reason: unknown };
      const error = reason instanceof Error ? reason.message : String(reason);
      return { backfill, runId: null, state: null, changed: false, error };
    }
    const { runId, state, changed } = result.value;
    return { backfill, runId, state, changed, error: null };
  });
  const lates = results.flatMap((result) =>
    result.status === 'fulfilled' && result.value.late !== undefined ? [result.value.late] : [],
  );
  return {
    state: accepted.value.state,
    changed: databases.some(({ changed }) => changed),
    ...(lates.length > 0 ? { late: latestOf(lates) } : {}),
    databases,
  };
}
