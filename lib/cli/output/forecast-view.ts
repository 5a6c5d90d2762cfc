import { countOf } from '../../errors/count-of.js';
import type { BackfillForecast, ForecastOutcome, ForecastRange } from '../../state/backfill-forecast.js';
import { formatDuration } from './time.js';

const LIMITS = {
  rate: 'by the configured rate',
  quota: 'by the quota of the third party',
  handler: 'by the handler',
} as const;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** A forecast as lines of text; what is not known is left out. */
export function forecastLines(forecast: BackfillForecast): string[] {
  const { durationMs, limitedBy, databaseMs, walBytes, walBytesPerSecond, measured } = forecast;
  const limit = limitedBy === null ? '' : `, limited ${LIMITS[limitedBy]}`;
  const perSecond = walBytesPerSecond === null ? '' : ` (${formatBytes(walBytesPerSecond.expected)}/s)`;
  return [
    `forecast for ${countOf(forecast.rowsTotal, 'row')}, from ${measured.rows} rehearsed ones:`,
    ...line('duration', durationMs, formatDuration, limit),
    ...line('time of the database', databaseMs, formatDuration),
    ...line('write-ahead log', walBytes, formatBytes, perSecond),
    ...(forecast.hotShare === null ? [] : [`  updates that touch no index: ${percent(forecast.hotShare)}`]),
    ...line('growth of the table', forecast.tableGrowthBytes, formatBytes),
    ...line('growth of its indexes', forecast.indexGrowthBytes, formatBytes),
    ...line('calls to the third party', forecast.calls, (calls) => Math.round(calls).toLocaleString('en-US')),
    ...line('time of these calls', forecast.quotaMs, formatDuration),
    ...line('rows that have the result already', forecast.untouched, percent),
  ];
}

/** What a run was forecast to take, and what it has taken. */
export function outcomeLine({ forecast, actual }: ForecastOutcome, hasEnded: boolean): string {
  const { durationMs, walBytes } = forecast;
  const wal =
    walBytes === null || actual.serverWalBytes === null
      ? ''
      : `; write-ahead log ${formatBytes(walBytes.expected)} (${formatBytes(walBytes.low)} to ${formatBytes(walBytes.high)}), ` +
        `the whole server wrote ${formatBytes(actual.serverWalBytes)}`;
  const expected =
    durationMs === null
      ? 'no end'
      : `${formatDuration(durationMs.expected)} (${formatDuration(durationMs.low)} to ${formatDuration(durationMs.high)})`;
  const taken = `${hasEnded ? 'took' : 'so far'} ${formatDuration(actual.durationMs)}`;
  return `forecast: ${expected}; ${taken} for ${countOf(actual.rows, 'row')}${wal}`;
}

function line(
  name: string,
  range: ForecastRange | null,
  format: (value: number) => string,
  more = '',
): string[] {
  if (range === null) {
    return [];
  }
  const { low, expected, high } = range;
  return [`  ${name}: ${format(expected)} (${format(low)} to ${format(high)})${more}`];
}

function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${UNITS[power]}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}
