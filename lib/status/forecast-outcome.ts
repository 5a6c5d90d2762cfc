import type { BackfillForecast, ForecastOutcome } from '../state/backfill-forecast.js';
import type { RunRecord } from '../state/run-record.js';

/** What of a run is compared with its forecast. */
export type ForecastRun = Pick<
  RunRecord,
  'forecast' | 'startedAt' | 'finishedAt' | 'rowsDone' | 'rowsFailed'
> & {
  readonly walFrom?: number | undefined;
  readonly walTo?: number | undefined;
};

/** The forecast of a run beside what has come true; `null` where it has none. */
export function forecastOutcome(run: ForecastRun, now: number): ForecastOutcome | null {
  if (run.forecast === null) {
    return null;
  }
  const { walFrom, walTo } = run;
  const durationMs = Math.max(0, (run.finishedAt ?? now) - run.startedAt);
  const rows = run.rowsDone + run.rowsFailed;
  const isMeasured = run.finishedAt !== null && walFrom !== undefined && walTo !== undefined;
  return {
    // A process of the app has written it.
    forecast: run.forecast as unknown as BackfillForecast,
    actual: {
      durationMs,
      rows,
      rowsPerSecond: durationMs === 0 ? 0 : Math.round((rows / durationMs) * 100_000) / 100,
      serverWalBytes: isMeasured ? Math.max(0, walTo - walFrom) : null,
    },
  };
}
