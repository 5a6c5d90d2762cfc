import { html } from './preact.min.js';
import { compact } from './format.js';

const width = (share) => ({ width: `${100 * Math.min(1, Math.max(0, share))}%` });

/** Stacked bar of a run: done, failed, outstanding; with its percentage and its rows. */
export function Progress({ status, label }) {
  const { percent, rowsDone, rowsTotal, rowsTotalKind, rowsFailed, state } = status;
  const about = rowsTotalKind === 'estimated' ? 'about ' : '';
  const unit = rowsTotal === 1 ? 'row' : 'rows';
  const rows =
    rowsTotal === null ? 'no run yet' : `${compact(rowsDone)} of ${about}${compact(rowsTotal)} ${unit}`;
  const shares = sharesOf(status);
  return html`<div class="progress">
    <div
      class="bar"
      role="progressbar"
      aria-label=${label}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${percent}
      aria-valuetext="${percent} percent${rowsFailed > 0 ? `, ${rowsFailed} rows failed` : ''}"
      data-state=${state}
    >
      <span class="bar-done" style=${width(shares.done)}></span>
      <span class="bar-failed" style=${width(shares.failed)}></span>
      <span class="bar-outstanding" style=${width(shares.outstanding)}></span>
    </div>
    <p class="progress-text"><strong>${percent} %</strong><span class="quiet">${rows}</span></p>
  </div>`;
}

/** Shares of the whole run, by ranges: those that are planned stand for the share that the percentage does not cover. */
function sharesOf({ percent, done, failed, outstanding, rowsDone, rowsFailed }) {
  const settled = percent / 100;
  const rowShare = rowsDone + rowsFailed > 0 ? rowsFailed / (rowsDone + rowsFailed) : 0;
  const failedShare = rowShare || (done + failed > 0 ? failed / (done + failed) : 0);
  const bad = settled * failedShare;
  // A few failures in millions of rows are to be seen, too.
  const shown = bad > 0 ? Math.max(bad, 0.01) : 0;
  const perRange = done + failed > 0 ? settled / (done + failed) : 0;
  const rest = Math.min(1 - settled, outstanding * perRange);
  return { done: Math.max(0, settled - shown), failed: shown, outstanding: rest };
}
