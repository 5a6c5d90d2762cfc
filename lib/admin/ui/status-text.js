import { html } from './preact.min.js';
import { forecastText } from './forecast-list.js';
import { counted, isRunning, overrideText, utc } from './format.js';
import { latenessOf } from './lateness.js';
import { runHash } from './router.js';
import { Time } from './time.js';
import { obstacleOf, wordsOf } from './words.js';
import { WordsText } from './words-text.js';

/** In words: the state since when and why, who started the run, what is wrong. */
export function StatusText({ status, now }) {
  const { state, startedAt, startedBy, reason, warnings, lastError, stateSince, overrides = [] } = status;
  const lateness = latenessOf(status, now);
  const isStopped = isRunning(state) && obstacleOf(status, now).length > 0;
  return html`<div class="status-text">
    ${
      state === 'idle'
        ? html`<p class="empty">It has never run. Start it, or look at its config first.</p>`
        : html`<p class="words" title=${stateSince ? utc(stateSince) : null} data-stopped=${isStopped ? '' : null}><${WordsText} words=${wordsOf(status, now, { withStart: false })} /></p>`
    }
    ${
      startedAt &&
      html`<p class="quiet">
      Started <${Time} iso=${startedAt} />${startedBy && html` by <bdi>${startedBy}</bdi>`}${
        reason && html`: <bdi>${reason}</bdi>`
      }
    </p>`
    }
    ${
      status.undoes &&
      html`<p>Undoes <a href=${runHash(status.name, status.undoes)}>run <bdi>${status.undoes}</bdi></a>${
        status.conflicts > 0 &&
        html`; <a href=${runHash(status.name, status.runId)}>${counted(status.conflicts, 'row')} left unchanged</a>`
      }</p>`
    }
    ${
      lateness &&
      (status.late
        ? html`<ul class="warnings"><li><${WordsText} words=${lateness} /></li></ul>`
        : html`<p class="quiet"><${WordsText} words=${lateness} /></p>`)
    }
    ${status.forecast && html`<p class="quiet">${forecastText(status.forecast, status.finishedAt !== null)}</p>`}
    ${
      overrides.length > 0 &&
      html`<ul class="warnings">${overrides.map((it) => html`<li key=${it.throttle}><${Override} override=${it} now=${now} /></li>`)}</ul>`
    }
    ${
      warnings.length > 0 &&
      html`<ul class="warnings">${warnings.map((text) => html`<li key=${text}><bdi>${text}</bdi></li>`)}</ul>`
    }
    ${
      lastError &&
      html`<p class="last-error">Last error, <${Time} iso=${lastError.at} />: <bdi>${lastError.message}</bdi></p>`
    }
  </div>`;
}

function Override({ override: { throttle, factor, until, by, reason }, now }) {
  return html`Throttle <bdi>${throttle}</bdi> ${overrideText(factor, until, now)}${by && html` by <bdi>${by}</bdi>`}${
    reason && html`: <bdi>${reason}</bdi>`
  }`;
}
