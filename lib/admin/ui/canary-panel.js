import { html } from './preact.min.js';
import { count, counted, rate, span } from './format.js';
import { Panel } from './panel.js';
import { LIBRARY } from './status-groups.js';

/** How far the canary of a run is, and its verdict; the time a row beside that of the forecast, where there is one. */
export function CanaryPanel({ canary, forecast }) {
  const { rows, maxFailures, handedOut, verdict } = canary;
  return html`<${Panel} title="Canary">
    <p role="status">
      ${
        verdict
          ? html`<strong class="verdict" data-state=${canary.state}><bdi>${verdict.reason}</bdi></strong>`
          : `${count(handedOut)} of ${counted(rows, 'row')} handed out; it passes with at most ${counted(maxFailures, 'failure')}`
      }
    </p>
    ${
      verdict &&
      html`<dl class="tiles">
        ${figuresOf(canary, forecast?.msPerRow).map(
          ([label, value, note]) =>
            html`<div class="tile" key=${label}><dt>${label}</dt><dd>${value}</dd><dd class="quiet">${note}</dd></div>`,
        )}
      </dl>`
    }
  <//>`;
}

/** Whether the run is paused because of the verdict of its canary. */
export function isPausedByCanary({ state, pausedBy, stateReason, canary }) {
  return state === 'paused' && pausedBy === LIBRARY && canary?.verdict?.reason === stateReason;
}

/** The confirmation of a resumption after the verdict. */
export function resumeConfirmation(name, { canary, rowsDone, rowsTotal, rowsTotalKind }) {
  const left = rowsTotal === null ? null : Math.max(0, rowsTotal - rowsDone - canary.verdict.rowsFailed);
  const about = rowsTotalKind === 'exact' ? '' : 'about ';
  return {
    title: `Resume the whole run of ${name}?`,
    text:
      (canary.state === 'passed' ? '' : 'The canary failed. ') +
      `The run goes on without the limit of its canary${left === null ? '' : `: ${about}${counted(left, 'row')} are left`}.`,
    confirm: 'Resume the whole run',
    kind: canary.state === 'passed' ? 'primary' : 'danger',
  };
}

function figuresOf({ rows, handedOut, maxFailures, verdict }, expected) {
  const { verified, msPerRow, throttles, durationMs } = verdict;
  const repeated = verdict.rowsRepeated + verdict.rowsRechecked;
  return [
    ['Handed out', count(handedOut), `of ${counted(rows, 'row')}`],
    ['Failures', count(verdict.failures), `at most ${count(maxFailures)}`],
    ['Handled again', count(repeated), 'rows of ranges that were claimed again, or that others wrote'],
    ['Held or slowed down', count(throttles), throttles === 1 ? 'time' : 'times'],
    ['Time a row', msPerRow === null ? '–' : `${rate(msPerRow)} ms`, timeNote(durationMs, expected)],
    ...(verdict.rowsMissing > 0
      ? [['Not loaded', count(verdict.rowsMissing), 'rows that were planned']]
      : []),
    ...(verified
      ? [['Wrong', count(verified.mismatched), `of ${counted(verified.sampled, 'row')} read again`]]
      : []),
  ];
}

function timeNote(durationMs, expected) {
  const forecast = expected ? `; forecast ${rate(expected.low)} to ${rate(expected.high)} ms a row` : '';
  return `${span(durationMs / 1000)} in all${forecast}`;
}
