const RUN_STATUSES = ['running', 'paused', 'completed', 'failed', 'cancelled'] as const;

/** Status of a run. `failed`: all is planned and tried, but failures are left. */
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Whether a stored text is a status. */
export function isRunStatus(text: string | null): text is RunStatus {
  return (RUN_STATUSES as readonly (string | null)[]).includes(text);
}

/** A transition that an operator can request. */
export type RunAction = 'pause' | 'resume' | 'cancel';

/** The statuses from which each action is allowed, and the one that it leads to. */
export const TRANSITIONS: Readonly<Record<RunAction, { from: readonly RunStatus[]; to: RunStatus }>> = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
};

/** True while no other run of the backfill can be started. */
export function isActive(status: RunStatus): boolean {
  return status === 'running' || status === 'paused';
}
