import type { BackfillConfig } from '../config/backfill-config.js';
import { boundsOf } from '../config/concurrency-setting.js';
import type { HandlerShape } from '../handlers/handler-shape.js';
import { limitingRate, rateFactor } from '../pacing/limiting-rate.js';
import { estimateEnd } from '../pacing/schedule.js';
import { callsPerSecond } from '../pacing/shared.quota.js';
import type { BackfillForecast } from '../state/backfill-forecast.js';
import type { ExpectedLateness, LimitingFactor } from '../state/limiting-factor.js';
import { roundedRate } from '../state/pace.js';

/** A run that is about to start. */
export interface StartingRun {
  /** When it should end, in epoch ms. */
  readonly finishBy: number;
  /** When it starts. */
  readonly at: number;
  readonly config: BackfillConfig;
  readonly rowsTotal: number;
  readonly shape: HandlerShape;
  /** `null`: it was not rehearsed. */
  readonly forecast: BackfillForecast | null;
}

/**
 * By how much a run is expected to end too late before anything of it is measured: by its forecast, or else by the rates of its
 * config alone, which it cannot exceed. `null` where it is expected to end in time, or nothing is known.
 */
export function expectedLateness(run: StartingRun): ExpectedLateness | null {
  const { finishBy, at, forecast, config, rowsTotal } = run;
  const ranges = Math.ceil(rowsTotal / config.batchSize);
  const end = forecast?.durationMs ? at + forecast.durationMs.expected : estimateEnd(config, at, ranges);
  if (end === null || end <= finishBy) {
    return null;
  }
  const by = Math.ceil(end - finishBy);
  return { eta: new Date(Math.ceil(end)).toISOString(), by, limitedBy: limitOf(run, ranges) };
}

function limitOf({ forecast, config, at, shape }: StartingRun, ranges: number): LimitingFactor {
  if (forecast?.limitedBy === 'quota') {
    const calls = roundedRate(callsPerSecond(config.quota));
    return { kind: 'quota', name: 'quota', value: calls, reason: `${calls} calls a second are allowed` };
  }
  if (forecast?.limitedBy === 'handler') {
    const name = shape === 'row' ? 'rowConcurrency' : 'concurrency';
    const value = boundsOf(config[name]).max;
    return { kind: 'concurrency', name, value, reason: 'its handler took so long in the rehearsal' };
  }
  return rateFactor(config, limitingRate(config, { from: at, ranges, bound: Infinity }).name);
}
