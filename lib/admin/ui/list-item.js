import { html } from './preact.min.js';
import { Badge } from './badge.js';
import { compact, isRunning, rate, untilText, utc, when } from './format.js';
import { Progress } from './progress.js';
import { nameHash } from './router.js';
import { Sparkline } from './sparkline.js';
import { failuresOf } from './status-groups.js';
import { wordsOf } from './words.js';
import { WordsText } from './words-text.js';

/** A backfill in the list, on one line: its state since when and why, progress, speed, and when it ends. */
export function ListItem({ status, now }) {
  const { name, state, description, warnings, stateSince } = status;
  const isIdle = state === 'idle';
  return html`<li class="item" data-name=${name} data-state=${state}>
    <div class="item-name">
      <h3><a href=${nameHash(name)}><bdi>${name}</bdi></a></h3>
      <${Badge} status=${status} now=${now} />
    </div>
    <div class="item-why">
      ${
        isIdle
          ? html`<p class="quiet line">${description ? html`<bdi>${description}</bdi>` : 'never run'}</p>`
          : html`<p class="words" title=${stateSince ? utc(stateSince) : null}><${WordsText} words=${wordsOf(status, now)} /></p>`
      }
      ${warnings.map((text) => html`<p class="item-warning" key=${text}><bdi>${text}</bdi></p>`)}
    </div>
    ${!isIdle && html`<${Progress} status=${status} label="Progress of ${name}" />`}
    ${!isIdle && html`<${Facts} status=${status} now=${now} />`}
  </li>`;
}

function Facts({ status, now }) {
  const { state, rowsPerSecond, eta, recent } = status;
  const failures = failuresOf(status);
  const speed = isRunning(state) ? `${rate(rowsPerSecond)} rows/s` : '';
  return html`<div class="item-facts">
    <span class="item-speed"><${Sparkline} values=${isRunning(state) ? recent : null} /><span>${speed}</span></span>
    <span class="item-end" title=${eta && isRunning(state) ? when(eta, now) : null}>
      ${isRunning(state) && (eta ? `ends in ${untilText(eta, now)}` : 'no end in sight')}
    </span>
    <span class="item-failures">
      ${failures > 0 && html`<span class="bad">${compact(failures)} failed</span>`}
    </span>
  </div>`;
}
