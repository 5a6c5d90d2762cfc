import { boundsOf } from '../config/concurrency-setting.js';
import { countOf } from '../errors/count-of.js';
import { endOfWalk, gainOf, limitingRate, rateFactor } from '../pacing/limiting-rate.js';
import { isOnPeak } from '../pacing/peak-hours.js';
import { zeroRate } from '../pacing/zero-rate.js';
import type { LimitingFactor } from '../state/limiting-factor.js';
import { roundedRate } from '../state/pace.js';
import { pauserOf } from '../state/run-record.js';
import type { RunRecord } from '../state/run-record.js';
import type { StoredStall } from '../state/stall.js';
import { describeOverride } from '../state/throttle-override.js';
import type { ThrottleOverride } from '../state/throttle-override.js';
import { publicStatus } from '../state/verification.js';
import type { ConcurrencyStatus } from './backfill-status.js';
import type { BudgetLimitStatus } from './budget-limit.js';
import { endTermsOf, isBlocked } from './run-eta.js';
import type { EndTerms, EtaFacts } from './run-eta.js';
import type { RunHold } from './run-hold.js';

/** What limits a run beside what its end is computed from. */
export interface LimitFacts extends EtaFacts {
  readonly hold: RunHold | null;
  readonly budget: BudgetLimitStatus | null;
  readonly stall: StoredStall | null;
  readonly overrides: readonly ThrottleOverride[];
  /** Where it is being found. */
  readonly concurrency: ConcurrencyStatus | null;
  /** Processes with workers for it. */
  readonly processes: number;
}

/** A hold or a throttle counts as what delays a run where without it at least so much of the time would be saved. */
const MATERIAL = 0.1;
/** More than this share of the attempts has failed: they are what takes the time. */
const MOST_ATTEMPTS = 0.5;

/**
 * The setting or the throttle that delays the end of a run most; `null` where nothing is left to do.
 *
 * What does not let it go on comes first, then a hold with an end and a throttle that take a part of the time, and then the
 * limit whose double would bring the end nearest: the workers, the quota, or one of the two rates of the config, by the hours
 * at which they are in force until the end.
 */
export function limitingFactor(run: RunRecord, facts: LimitFacts): LimitingFactor | null {
  if (isBlocked(run, facts)) {
    return blockingFactor(run, facts);
  }
  const terms = endTermsOf(run, facts);
  if (terms.ranges <= 0) {
    return null;
  }
  return passingFactor(run, facts, terms) ?? lastingFactor(run, facts, terms);
}

/** Why a run does not go on. */
function blockingFactor(run: RunRecord, facts: LimitFacts): LimitingFactor {
  const state = publicStatus(run);
  if (state === 'verifying') {
    return factor('verification', null, null, 'it is being verified');
  }
  if (state !== 'running') {
    const why = run.reason === null ? '' : `: ${run.reason}`;
    return factor('paused', pauserOf(run), null, `it is ${state}${why}`);
  }
  if (facts.unmanned) {
    return factor('workers', null, 0, 'no process has workers for it');
  }
  return facts.hold ? holdingFactor(run, facts, facts.hold) : stallFactor(facts.stall);
}

function stallFactor(stall: StoredStall | null): LimitingFactor {
  const cause = stall === null ? '' : `, waiting for ${stall.waitingFor.reason}`;
  return factor('stalled', stall?.waitingFor.kind ?? null, null, `it is stalled${cause}`);
}

function holdingFactor(run: RunRecord, facts: LimitFacts, hold: RunHold): LimitingFactor {
  const { config, now, budget } = facts;
  const isOwnHold = hold.scope === 'all' || (run.holdUntil !== null && run.holdUntil > now);
  if (!isOwnHold && run.pace.kind === 'held') {
    const zero = zeroRate(config, now);
    if (run.pressure >= 1 || !zero) {
      return throttleFactor(run, facts);
    }
    return factor('rate', isOnPeak(config, now) ? 'perSecondOnPeak' : 'perSecondOffPeak', 0, zero.reason);
  }
  if (!isOwnHold && budget?.limit === 'perTable') {
    return budgetFactor(budget);
  }
  return factor('held', hold.by, null, `it is held: ${hold.reason}`);
}

/** A hold whose end is known, or a throttle: what will pass by itself, where it takes a part of the time. */
function passingFactor(run: RunRecord, facts: LimitFacts, terms: EndTerms): LimitingFactor | null {
  const { hold, now, config } = facts;
  const end = endOfTerms(terms);
  const isMaterial = (without: EndTerms) => gainOf(end, endOfTerms(without)) > MATERIAL * (end - now);
  if (hold && terms.from > now && isMaterial({ ...terms, from: now })) {
    return holdingFactor(run, facts, hold);
  }
  return run.pressure > 0 && terms.config !== config && isMaterial({ ...terms, config })
    ? throttleFactor(run, facts)
    : null;
}

function lastingFactor(run: RunRecord, facts: LimitFacts, terms: EndTerms): LimitingFactor {
  const { workers, quota } = terms;
  if (workers === null || quota === null) {
    return quota === null ? quotaFactor(facts) : workersFactor(run, facts, null);
  }
  const end = endOfTerms(terms);
  const rate = limitingRate(terms.config, restOf(terms));
  const doubled = (limit: Partial<EndTerms>) => gainOf(end, endOfTerms({ ...terms, ...limit }));
  const gains = [
    {
      factor: () => workersFactor(run, facts, workers),
      gain: doubled({ workers: 2 * workers }),
      at: workers,
    },
    { factor: () => quotaFactor(facts), gain: doubled({ quota: 2 * quota }), at: quota },
    {
      factor: () => rateFactor(facts.config, rate.name),
      gain: rate.gain,
      at: terms.config[rate.name] ?? Infinity,
    },
  ];
  const [most] = gains.toSorted((one, other) => other.gain - one.gain || one.at - other.at);
  return most?.factor() ?? rateFactor(facts.config, rate.name);
}

/** What keeps the workers from being as fast as they may be. */
function workersFactor(run: RunRecord, facts: LimitFacts, perSecond: number | null): LimitingFactor {
  const { budget, concurrency, config, shape, processes } = facts;
  if (budget) {
    return budgetFactor(budget);
  }
  if (concurrency && run.pressure > 0) {
    return throttleFactor(run, facts);
  }
  if (run.retries > MOST_ATTEMPTS * (run.retries + run.done + run.failed)) {
    return factor(
      'failures',
      null,
      run.retries,
      `${countOf(run.retries, 'attempt')} failed and are repeated`,
    );
  }
  const name = shape === 'row' ? 'rowConcurrency' : 'concurrency';
  const speed = perSecond === null ? 'nothing yet' : `${roundedRate(perSecond)} ranges a second`;
  const does = `${countOf(processes, 'process')} ${processes === 1 ? 'does' : 'do'} ${speed}`;
  if (!concurrency) {
    return factor('concurrency', name, boundsOf(config[name]).max, does);
  }
  const { value, min, max, reason } = concurrency;
  return factor('concurrency', name, value, `${does} with ${value} at once, of ${min} to ${max} (${reason})`);
}

function throttleFactor(run: RunRecord, facts: LimitFacts): LimitingFactor {
  const { pressure, pressureReason, throttle } = run;
  const reason = pressureReason ?? 'a throttle';
  if (throttle === '') {
    return quotaFactor(facts);
  }
  const override = facts.overrides.find((it) => it.throttle === throttle && it.factor > 1);
  return override
    ? factor('override', throttle, override.factor, `${describeOverride(override)}: ${reason}`)
    : factor('throttle', throttle, pressure, reason);
}

function quotaFactor({ callsPerSecond }: LimitFacts): LimitingFactor {
  const calls = callsPerSecond === null ? null : roundedRate(callsPerSecond);
  return factor('quota', 'quota', calls, `${calls ?? 'a limited number of'} calls a second are allowed`);
}

function budgetFactor({ limit, share, reason }: BudgetLimitStatus): LimitingFactor {
  return factor('budget', limit, share, reason);
}

function restOf({ from, ranges, quota, workers }: EndTerms) {
  return { from, ranges, bound: Math.min(quota ?? Infinity, workers ?? Infinity) };
}

function endOfTerms(terms: EndTerms): number {
  return endOfWalk(terms.config, restOf(terms));
}

function factor(
  kind: LimitingFactor['kind'],
  name: string | null,
  value: number | null,
  reason: string,
): LimitingFactor {
  return { kind, name, value, reason };
}
