import type { RunRecord } from '../state/run-record.js';

const EVERY_MS = 10_000;
/** A checkpoint holds the whole window, so with more entries than this it is taken less often. */
const LARGE_WINDOW = 5_000;

/** How far a run is. */
export type RunProgress = Pick<RunRecord, 'status' | 'done' | 'failed' | 'planned'>;

/** The progress of a run at its last checkpoint. */
export interface CheckpointMark {
  /** By `performance.now()`. */
  readonly at: number;
  readonly progress: RunProgress;
  readonly outstanding: number;
}

/** Whether a checkpoint of a run is due. */
export interface CheckpointState {
  readonly due: boolean;
  /** Whether the run has progressed since the last checkpoint. */
  readonly changed: boolean;
  /** Ms after which the next one may be due; `null` while that cannot be estimated. */
  readonly nextMs: number | null;
}

/**
 * A checkpoint is due every ten seconds, and whenever a quarter of the window was processed.
 *
 * @param target size of the window
 */
export function checkpointState(
  mark: CheckpointMark | undefined,
  progress: RunProgress,
  target: number,
  now: number,
): CheckpointState {
  if (!mark) {
    return { due: true, changed: true, nextMs: null };
  }
  const changed = !isSame(mark.progress, progress);
  const settled = Math.abs(progress.done + progress.failed - mark.progress.done - mark.progress.failed);
  const quarter = Math.max(1, target / 4);
  const elapsed = now - mark.at;
  const overdue = elapsed >= EVERY_MS * Math.max(1, mark.outstanding / LARGE_WINDOW);
  return {
    due: changed && (settled >= quarter || overdue),
    changed,
    nextMs: settled > 0 ? (elapsed * quarter) / settled : null,
  };
}

function isSame(a: RunProgress, b: RunProgress): boolean {
  return a.status === b.status && a.done === b.done && a.failed === b.failed && a.planned === b.planned;
}
