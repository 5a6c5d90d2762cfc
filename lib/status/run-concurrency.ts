import { slotBounds } from '../pacing/concurrency/slots.js';
import type { ConcurrencyConfig } from '../pacing/concurrency/slots.js';
import type { HandlerShape } from '../handlers/handler-shape.js';
import { currentConcurrency, roundedSlots } from '../state/concurrency-state.js';
import type { RunRecord } from '../state/run-record.js';
import type { ConcurrencyStatus } from './backfill-status.js';
import { iso } from './iso-time.js';

/** The concurrency of a run as it is being found; `null` where it is fixed, and while no process works on the run. */
export function concurrencyOf(
  run: Pick<RunRecord, 'status' | 'concurrency'>,
  config: ConcurrencyConfig,
  shape: HandlerShape | undefined,
  now: number,
): ConcurrencyStatus | null {
  const controller = run.status === 'running' ? currentConcurrency(run, now) : null;
  const bounds = shape && slotBounds(config, shape);
  if (!controller || !bounds) {
    return null;
  }
  const { value, reason, since } = controller;
  return {
    unit: shape === 'row' ? 'rows' : 'ranges',
    value: roundedSlots(value),
    ...bounds,
    reason,
    since: iso(since),
  };
}
