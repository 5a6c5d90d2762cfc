import type { ConcurrencyState } from '../../state/concurrency-state.js';
import type { LoadSignals, SlotBounds } from './load-signals.js';
import { observe } from './observe.js';
import { lower } from './lower.js';
import { prove, restore } from './proven.js';
import { raise } from './raise.js';
import { rescale } from './rescale.js';
import { assess } from './trouble.js';

/**
 * One step of the controller that finds the concurrency at which the work is fast and others do not suffer.
 *
 * It combines published mechanisms:
 *
 * - The signal of the work itself is the gradient of Netflix' concurrency-limits (`Gradient2Limit`): the latency of a row
 *   relative to its floor, with a tolerance. Throttles (among them a probe of the app's queries) give a pressure.
 * - Multiplicative decrease, in proportion to the trouble, from what is used and not from what is allowed (RFC 5681).
 * - The ceiling at which trouble began is remembered as in TCP CUBIC (RFC 9438): raising is quick up to near it, slow at it,
 *   and quicker again beyond it. A raise that causes trouble is undone, so around a constant optimum the value moves by
 *   one small step.
 *
 * - A decrease that was not needed is undone at once, as in the Eifel response (RFC 4015): once the signals are clear, the value
 *   returns to one that was free of trouble for long. Where that causes trouble again, it loses most of its proof.
 *
 * Both signals have a dead band between calm and trouble, in which the value stays as it is, and both are smoothed. After a
 * decrease the controller waits for its effect before it decreases again, unless things get worse: for some seconds, and for
 * as long as the pressure falls, which of a probe's window lasts longer. A raise at the ceiling is followed by larger ones only
 * where no pressure is left, as noise makes any optimum look calm now and then.
 */
export function nextConcurrency(
  before: ConcurrencyState,
  signals: LoadSignals,
  bounds: SlotBounds,
): ConcurrencyState {
  const state = observe(rescale(before, signals, bounds), signals, bounds);
  const trouble = assess(state, signals);
  const elapsed = signals.now - before.at;
  const next =
    trouble.severity > 0
      ? lower(state, signals, bounds, trouble)
      : (restore(state, signals, bounds) ??
        raise(prove(state, signals, elapsed), signals, bounds, trouble, elapsed));
  return next.value === before.value ? { ...next, since: before.since } : { ...next, since: signals.now };
}
