/** Status of a run. `failed`: all is planned and tried, but failures are left. */
export type RunStatus = 'running' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** What an operator asks of a run. */
export type RunAction = 'pause' | 'resume' | 'cancel' | 'retry';

/** From which statuses each action is allowed, and where it leads. */
export const TRANSITIONS: Readonly<Record<RunAction, { from: readonly RunStatus[]; to: RunStatus }>> = {
  pause: { from: ['running'], to: 'paused' },
  resume: { from: ['paused'], to: 'running' },
  cancel: { from: ['running', 'paused'], to: 'cancelled' },
  retry: { from: ['running', 'paused', 'completed', 'failed'], to: 'running' },
};

/** True while a run holds its backfill: another cannot be started. */
export function isActive(status: RunStatus): boolean {
  return status === 'running' || status === 'paused';
}
