import { html } from './preact.min.js';
import { count, counted, span } from './format.js';

const LIMITS = {
  rate: 'limited by the configured rate',
  quota: 'limited by the quota of the third party',
  handler: 'limited by the handler',
};
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** What a run will cost: each figure with its range; what is not known is left out. */
export function ForecastList({ forecast }) {
  const { durationMs, limitedBy, walBytesPerSecond, hotShare, measured, rowsTotal } = forecast;
  const lines = [
    line('Duration', durationMs, time, limitedBy ? `; ${LIMITS[limitedBy]}` : ''),
    line('Time of the database', forecast.databaseMs, time),
    line(
      'Write-ahead log',
      forecast.walBytes,
      bytes,
      walBytesPerSecond ? `; ${bytes(walBytesPerSecond.expected)}/s` : '',
    ),
    hotShare === null ? null : `Updates that touch no index: ${percent(hotShare)}`,
    line('Growth of the table', forecast.tableGrowthBytes, bytes),
    line('Growth of its indexes', forecast.indexGrowthBytes, bytes),
    line('Calls to the third party', forecast.calls, count),
    line('Time of these calls', forecast.quotaMs, time),
    line('Rows that have the result already', forecast.untouched, percent),
  ];
  return html`<div class="forecast">
    <p>Forecast for ${counted(rowsTotal, 'row')}, from ${count(measured.rows)} rehearsed ones:</p>
    <ul>${lines.filter(Boolean).map((text) => html`<li key=${text}>${text}</li>`)}</ul>
  </div>`;
}

/** What a run was forecast to take, and what it has taken. */
export function forecastText({ forecast: { durationMs, walBytes }, actual }, hasEnded) {
  const expected = durationMs ? ranged(durationMs, time) : 'no end';
  const wal =
    walBytes && typeof actual.serverWalBytes === 'number'
      ? `; write-ahead log ${ranged(walBytes, bytes)}, the whole server wrote ${bytes(actual.serverWalBytes)}`
      : '';
  const taken = `${hasEnded ? 'took' : 'so far'} ${time(actual.durationMs)}`;
  return `Forecast: ${expected}; ${taken} for ${counted(actual.rows, 'row')}${wal}.`;
}

function line(name, range, format, more = '') {
  return range && `${name}: ${ranged(range, format)}${more}`;
}

const ranged = ({ low, expected, high }, format) => `${format(expected)} (${format(low)} to ${format(high)})`;

const time = (ms) => (ms < 1000 ? `${count(ms)} ms` : span(ms / 1000));
const percent = (share) => `${Number((share * 100).toPrecision(3))} %`;

function bytes(value) {
  const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${UNITS[power]}`;
}
