import type { BackfillConfig } from '../config/backfill-config.js';
import { boundsOf } from '../config/concurrency-setting.js';
import { estimateEnd } from '../pacing/schedule.js';
import { callsPerSecond } from '../pacing/shared.quota.js';
import { sampleConfidence } from '../state/sample-confidence.js';
import type { BackfillForecast, ForecastRange } from '../state/backfill-forecast.js';
import { forecastWal } from './forecast-wal.js';
import { mapRange, meanInterval, scaled } from './mean-interval.js';
import type { MeasuredBatch, Measurement } from './measurement.js';
import { rangeMs } from './range-time.js';

/** How exactly a rate is kept. */
const RATE_MARGIN = 0.02;
/** What is left of the CPU time of few batches once all of the code is compiled, at the least. */
const COMPILED = 0.5;
/** Batches from which on the first is left out: it warms up connections, caches and code. */
const WARM_UP_FROM = 4;

/** The run that is forecast. */
export interface PlannedRun {
  readonly config: BackfillConfig;
  readonly rowsTotal: number;
  readonly ranges: number;
  /** Epoch ms of its start. */
  readonly at: number;
}

/** Computes what a run will cost from what a rehearsal has measured: see `BackfillForecast`. */
export function computeForecast(measurement: Measurement, run: PlannedRun): BackfillForecast {
  const { batches, at } = measurement;
  const { rowsTotal } = run;
  const warm = batches.length >= WARM_UP_FROM ? batches.slice(1) : batches;
  const perRow = (value: (batch: MeasuredBatch) => number) =>
    meanInterval(warm.filter(({ rows }) => rows > 0).map((batch) => value(batch) / batch.rows));
  const msPerRow = perRow(({ ms }) => ms);
  const callsPerRow = perRow(({ calls }) => calls);
  const calls = callsPerRow && callsPerRow.expected > 0 ? scaled(callsPerRow, rowsTotal) : null;
  const quota = callsPerSecond(run.config.quota);
  const quotaMs = calls && quota > 0 ? scaled(calls, 1000 / quota) : null;
  const { durationMs, limitedBy } = duration(measurement, run, msPerRow, leastCpu(warm), quotaMs);
  const wal = forecastWal(measurement, {
    rowsTotal,
    ranges: run.ranges,
    durationMs: durationMs?.expected ?? null,
  });
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const seconds = durationMs && durationMs.expected > 0 ? durationMs.expected / 1000 : null;
  return {
    measuredAt: new Date(at).toISOString(),
    measured: { rows, batches: batches.length },
    rowsTotal,
    durationMs: rounded(durationMs),
    limitedBy,
    msPerRow: mapRange(msPerRow, (ms) => Math.round(ms * 1000) / 1000),
    databaseMs: rounded(
      scaledOrNull(
        perRow(({ databaseMs }) => databaseMs),
        rowsTotal,
      ),
    ),
    walBytes: rounded(wal?.walBytes ?? null),
    walBytesPerSecond: rounded(seconds === null || !wal ? null : scaled(wal.walBytes, 1 / seconds)),
    hotShare: wal?.hotShare ?? null,
    tableGrowthBytes: rounded(wal?.tableGrowthBytes ?? null),
    indexGrowthBytes: rounded(wal?.indexGrowthBytes ?? null),
    calls: rounded(calls),
    quotaMs: rounded(quotaMs),
    untouched: untouchedShare(batches, rows),
  };
}

/** The time of the walk, and what it is limited by. */
function duration(
  { shape, speed }: Measurement,
  { config, ranges, rowsTotal, at }: PlannedRun,
  msPerRow: ForecastRange | null,
  cpuPerRow: ForecastRange | null,
  quotaMs: ForecastRange | null,
): Pick<BackfillForecast, 'durationMs' | 'limitedBy'> {
  const rowsPerRange = ranges === 0 ? 0 : rowsTotal / ranges;
  const atOnce = boundsOf(config.concurrency);
  const rowsAtOnce = boundsOf(shape === 'row' ? config.rowConcurrency : 1);
  // A concurrency that is found while the run goes on may stay at its minimum.
  const parallel = (end: keyof ForecastRange) =>
    end === 'high' ? atOnce.min * rowsAtOnce.min : atOnce.max * rowsAtOnce.max;
  const measured = speed ? rangeMs(speed, { rows: rowsPerRange, concurrency: atOnce.max }) : null;
  const workMs = (end: keyof ForecastRange) =>
    measured?.[end] ?? Math.max(cpuPerRow?.[end] ?? 0, (msPerRow?.[end] ?? 0) / parallel(end)) * rowsPerRange;
  const lasting = (end: keyof ForecastRange): number | null => {
    const ms = workMs(end);
    const last = estimateEnd(config, at, ranges, ms > 0 ? 1000 / ms : null);
    return last === null ? null : last - at + (msPerRow?.[end] ?? 0) * rowsPerRange;
  };
  const [low, expected, high] = [lasting('low'), lasting('expected'), lasting('high')];
  if (low === null || expected === null || high === null) {
    return { durationMs: null, limitedBy: null };
  }
  const durationMs = {
    low: Math.max(low * (1 - RATE_MARGIN), quotaMs?.low ?? 0),
    expected: Math.max(expected, quotaMs?.expected ?? 0),
    high: Math.max(high * (1 + RATE_MARGIN), quotaMs?.high ?? 0),
  };
  const scheduled = estimateEnd(config, at, ranges);
  const isScheduled = scheduled !== null && scheduled - at >= (durationMs.expected * 9) / 10;
  const isQuota = quotaMs !== null && quotaMs.expected >= durationMs.expected;
  return { durationMs, limitedBy: isQuota ? 'quota' : isScheduled ? 'rate' : 'handler' };
}

/**
 * CPU time of a row in a long run: the least of all batches. Code that has run a few times only is slower than in a long
 * run, and other work of the process is measured with it.
 */
function leastCpu(batches: readonly MeasuredBatch[]): ForecastRange | null {
  const values = batches.filter(({ rows }) => rows > 0).map(({ cpuMs, rows }) => cpuMs / rows);
  const mean = meanInterval(values);
  const least = Math.min(...values);
  return mean && { low: least * COMPILED, expected: least, high: Math.max(least, mean.expected) };
}

function untouchedShare(batches: readonly MeasuredBatch[], rows: number): ForecastRange | null {
  const untouched = rows - batches.reduce((sum, { changed }) => sum + changed, 0);
  const confidence = sampleConfidence(rows, untouched);
  return confidence && { low: confidence.low, expected: untouched / rows, high: confidence.high };
}

function scaledOrNull(range: ForecastRange | null, factor: number): ForecastRange | null {
  return range && scaled(range, factor);
}

function rounded(range: ForecastRange | null): ForecastRange | null {
  return mapRange(range, Math.round);
}
