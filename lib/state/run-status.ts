const RUN_STATUSES = ['running', 'paused', 'completed', 'failed', 'cancelled'] as const;

/**
 * Status of a run as Redis stores it. A run that is being verified is `running` there: processes of earlier versions
 * know no other status.
 */
export type StoredRunStatus = (typeof RUN_STATUSES)[number];

/**
 * Status of a run. `verifying`: the walk is through, and what it did is verified. `failed`: all is planned and tried, but
 * failures are left, or the verification failed.
 */
export type RunStatus = StoredRunStatus | 'verifying';

/** Whether a stored text is a status. */
export function isRunStatus(text: string | null): text is StoredRunStatus {
  return (RUN_STATUSES as readonly (string | null)[]).includes(text);
}

/** A transition that an operator can request. */
export type RunAction = 'pause' | 'resume' | 'cancel';

/** The statuses from which each action is allowed, and the one that it leads to. */
export const TRANSITIONS: Readonly<
  Record<RunAction, { from: readonly StoredRunStatus[]; to: StoredRunStatus }>
> = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
};

/** Whether work of a run is done now. */
export function isRunning(status: RunStatus | 'idle'): boolean {
  return status === 'running' || status === 'verifying';
}

/** True while no other run of the backfill can be started. */
export function isActive(status: StoredRunStatus): boolean {
  return status === 'running' || status === 'paused';
}
