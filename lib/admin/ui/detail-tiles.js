import { html } from './preact.min.js';
import {
  compact,
  count,
  counted,
  isActive,
  isRunning,
  perSecond,
  rate,
  untilText,
  valueText,
  when,
} from './format.js';
import { failuresOf } from './status-groups.js';

/** The figures of a run. */
export function DetailTiles({ status, config, now }) {
  const { outstanding, rowsFailed, rowsMissing, rowsRechecked, verified, workers, callsPerSecond, cursor } =
    status;
  const running = isRunning(status.state);
  const failureNotes = [
    counted(rowsFailed, 'row'),
    rowsMissing > 0 && `${counted(rowsMissing, 'row')} missing`,
    rowsRechecked > 0 && `${count(rowsRechecked)} handled again`,
  ];
  const speed = html`
    <${Tile} label="Speed" value=${`${rate(running ? status.rowsPerSecond : 0)} rows/s`} note=${speedNote(status)} />
    <${Tile} label="Rate in force" value=${perSecond(status.rate.perSecond)} note=${html`<bdi>${status.rate.reason}</bdi>`} />
    ${status.concurrency && html`<${Tile} label="Concurrency" value=${concurrencyText(status.concurrency)} note=${html`<bdi>${status.concurrency.reason}</bdi>`} />`}
    <${Tile} label="Ends in" value=${running ? untilText(status.eta, now) : '–'} note=${endNote(status, running, now)} />
  `;
  const means = html`
    <${Tile} label="Workers" value=${count(workers)} note=${workers === 1 ? 'process' : 'processes'} />
    ${
      cursor !== null &&
      !(status.partitions?.length > 0) &&
      html`<${Tile} label="Cursor" value=${html`<code><bdi>${valueText(cursor)}</bdi></code>`} note="planning continues there" />`
    }
  `;
  // A run that has ended has no speed and needs no workers.
  return html`<dl class="tiles">
    ${isActive(status.state) && speed}
    <${Tile} label="Ranges" value=${`${compact(status.done)} done`} note=${`${compact(outstanding)} outstanding`} />
    <${Tile} label="Failures" value=${compact(failuresOf(status))} note=${failureNotes.filter(Boolean).join(', ')} />
    ${verified && html`<${Tile} label="Verified" ...${verifiedTexts(verified)} />`}
    ${isActive(status.state) && means}
    ${
      callsPerSecond !== null &&
      html`<${Tile} label="Quota" value=${`${rate(callsPerSecond)} calls/s`} note=${quotaNote(config)} />`
    }
  </dl>`;
}

function Tile({ label, value, note }) {
  return html`<div class="tile"><dt>${label}</dt><dd>${value}</dd><dd class="quiet">${note}</dd></div>`;
}

/** As in `3.4 ranges (1 to 32)`. */
function concurrencyText({ unit, value, min, max }) {
  return `${rate(value)} ${unit} (${count(min)} to ${count(max)})`;
}

/** One unit beside the other, as in `16 ranges/s × 5,039 rows`. */
function speedNote({ rangesPerSecond, rowsPerSecond }) {
  if (!(rangesPerSecond > 0)) return '0 ranges/s';
  return `${rate(rangesPerSecond)} ranges/s × ${counted(Math.round(rowsPerSecond / rangesPerSecond), 'row')}`;
}

function endNote({ eta, stalled }, running, now) {
  if (!running) return '';
  if (eta) return when(eta, now);
  return stalled ? 'nothing moves' : 'no end in sight';
}

function quotaNote(config) {
  const quota = config?.config.quota;
  return quota
    ? `${count(quota.max)} every ${rate(quota.perMs / 1000)} s configured`
    : 'as the third party allows';
}

/** What the verification has found, and how. */
function verifiedTexts({ left, swept, sampled, mismatched, confidence }) {
  const sample = confidence
    ? `; ${count(mismatched)} of ${count(sampled)} sampled rows wrong (${shareText(confidence)})`
    : '';
  return {
    value: left === null ? 'not counted' : `${count(left)} left`,
    note: `${count(swept)} swept${sample}`,
  };
}

function shareText({ level, low, high }) {
  const percent = (share) => `${Number((share * 100).toPrecision(2))} %`;
  const range = low === 0 ? `fewer than ${percent(high)}` : `${percent(low)} to ${percent(high)}`;
  return `${range} of all rows, at ${percent(level)} confidence`;
}
