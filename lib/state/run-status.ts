/** Status of a run. `failed`: all is planned and tried, but failures are left. */
export type RunStatus = 'running' | 'paused' | 'completed' | 'failed' | 'cancelled';

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
