import type { BackfillForecast, ForecastOutcome } from '../forecast/forecast.js';
import type { RunRecord } from '../state/run-record.js';

/** The forecast of a run beside what has come true; `null` where it has none. */
export function forecastOutcome(run: RunRecord, now: number): ForecastOutcome | null {
  if (run.forecast === null) {
    return null;
  }
  const durationMs = Math.max(0, (run.finishedAt ?? now) - run.startedAt);
  const rows = run.rowsDone + run.rowsFailed;
  return {
    // A process of the app has written it.
    forecast: run.forecast as unknown as BackfillForecast,
    actual: {
      durationMs,
      rows,
      rowsPerSecond: durationMs === 0 ? 0 : Math.round((rows / durationMs) * 100_000) / 100,
    },
  };
}
