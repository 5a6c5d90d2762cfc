import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';
import { disprove, isProven, OWN_EFFECT_MS } from './proven.js';
import type { Trouble } from './trouble.js';

/** Factors of the decrease, from the mildest trouble to the worst. */
const MILD = 0.95;
const WORST = 0.5;
/** After a decrease, the signals show its effect only after this. */
const SETTLE_MS = 5_000;
const SETTLE_SEVERE_MS = 2_500;
const SEVERE = 0.4;
/** A pressure that is below its peak by this much falls: it shows the effect of an earlier decrease. */
const FALLING = 0.04;
/** Trouble that has become worse by this much does not wait. */
const WORSE = 0.25;
/** A raise that had severe effects is undone, and a little more. */
const UNDO_SEVERE = 0.85;
/** Throttles can bring a run down to this part of its minimum: it then rests between its ranges. */
const LOWEST = 0.1;
/** Where at least this part is used, all of it is: between two ranges a slot is not measured (RFC 7661). */
const IN_USE = 0.5;
/** Where less than this part is used, as while the run is held, it is not the run that loads others. */
const IDLE = 0.05;
/** Decreases that follow each other this soon have one cause, and one ceiling. */
const EPISODE_MS = 10_000;

/** Decreases the value, unless it was just decreased. */
export function lower(
  state: ConcurrencyState,
  { now, used, pressure, errors }: LoadSignals,
  { min }: SlotBounds,
  { severity, external, reason }: Trouble,
): ConcurrencyState {
  const troubled = { ...state, raises: 0, calmSince: now };
  const settle = severity >= SEVERE ? SETTLE_SEVERE_MS : SETTLE_MS;
  const worse = severity >= state.severity + WORSE;
  const falls = external && pressure !== null && pressure < state.pressurePeak - FALLING;
  const settles = now - state.loweredAt < settle && !worse;
  if (settles || falls || used < IDLE * state.value) {
    return { ...troubled, reason };
  }
  const lowest = external ? min * LOWEST : min;
  const byRaise = state.raisedAt > state.loweredAt && now - state.raisedAt < OWN_EFFECT_MS;
  const factor = MILD - (MILD - WORST) * severity ** 2;
  // What is allowed and not used loads nobody.
  const most = Math.max(state.used, used);
  const isInUse = state.value < min || most >= IN_USE * state.value;
  const inUse = isInUse ? state.value : Math.max(most, lowest);
  const undone = severity >= SEVERE ? state.good * UNDO_SEVERE : state.good;
  const value = byRaise ? Math.min(inUse, undone) : inUse * factor;
  const lowered = Math.min(state.value, Math.max(lowest, value));
  if (lowered === state.value) {
    return { ...troubled, reason: `${reason}: at its minimum` };
  }
  const sameEpisode = state.ceiling !== null && !byRaise && now - state.loweredAt < EPISODE_MS;
  const proven = disprove(state, inUse, byRaise, errors > 0);
  const keepsCeiling = sameEpisode || isProven({ ...state, proven }, inUse);
  return {
    ...troubled,
    value: lowered,
    reason: `lowered: ${reason}`,
    ceiling: keepsCeiling ? state.ceiling : { value: inUse, at: now },
    good: lowered,
    proven,
    loweredAt: now,
    severity,
    ended: 0,
  };
}
