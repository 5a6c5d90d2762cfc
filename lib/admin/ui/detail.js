import { change, has, isList, nameUrl, read } from './api.js';
import { throughputChart } from './chart.js';
import { confirmDialog, startDialog } from './dialogs.js';
import { button, el, onChange, setText, toast } from './dom.js';
import { failuresView } from './failures.js';
import { compact, count, counted, isRunning, perSecond, rate, untilText, when } from './format.js';
import { changesTable, historyTable, runsTable } from './history.js';
import { progressBar, section, stateBadge, tile, warningList } from './components.js';
import { tuningForm } from './tuning.js';

/** Entries of the history that are loaded, of which all config changes and the newest others are shown. */
const HISTORY_LIMIT = 200;
const HISTORY_SHOWN = 30;
const PAST_TENSE = { start: 'started', pause: 'paused', resume: 'resumed', cancel: 'cancelled' };

const changed = () => dispatchEvent(new Event('backfill:changed'));

/** The view of one backfill: status, actions, throughput, config, failures, history and runs. */
export function detailView(name) {
  const url = nameUrl(name);
  const badge = stateBadge();
  const progress = progressBar(`Progress of ${name}`);
  const description = el('p.quiet', {});
  const reason = el('p.quiet', {});
  const warnings = warningList();
  const lastError = el('p.last-error', { hidden: true });
  const tiles = {
    speed: tile('Speed'),
    rate: tile('Rate in force'),
    eta: tile('Ends in'),
    ranges: tile('Ranges'),
    failures: tile('Failures'),
    workers: tile('Workers'),
    verified: tile('Verified'),
  };
  const chart = throughputChart(name);
  const tuning = tuningForm(url, changed);
  const failures = failuresView(url, changed);
  const runs = el('div', {});
  const history = el('div', {});
  const changes = el('div', {});
  const drawRuns = onChange((list) => runs.replaceChildren(runsTable(list)));
  const drawHistory = onChange((list) => {
    history.replaceChildren(historyTable(list.slice(0, HISTORY_SHOWN)));
    changes.replaceChildren(changesTable(list));
  });
  const controls = actions(name, url);
  const missing = el(
    'p.alert',
    { role: 'alert', hidden: true },
    `There is no backfill ${JSON.stringify(name)}.`,
  );
  const node = el(
    'article.detail',
    {},
    el('p', {}, el('a', { href: '#/' }, '← All backfills')),
    missing,
    el('div.detail-head', {}, el('div', {}, el('h2', {}, name, ' ', badge.node), description), controls.node),
    progress.node,
    reason,
    warnings.node,
    lastError,
    el('dl.tiles', {}, ...Object.values(tiles).map(({ node }) => node)),
    section('Throughput', chart.node),
    el('div.columns', {}, section('Tuning', tuning.node), section('Failures', failures.node)),
    el('div.columns', {}, section('Config changes', changes), section('History', history)),
    section('Runs', runs),
  );
  return {
    node,
    update(statuses) {
      const status = statuses.find((it) => it.name === name);
      missing.hidden = status !== undefined;
      if (!status) return;
      badge.update(status);
      progress.update(status);
      warnings.update(status.warnings);
      controls.update(status);
      failures.adopt(status.state === 'failed' ? status.adoptVersion : null);
      setText(description, status.description ?? '');
      setText(reason, reasonText(status));
      lastError.hidden = status.lastError === null;
      if (status.lastError) {
        setText(lastError, `Last error, ${when(status.lastError.at)}: ${status.lastError.message}`);
      }
      const running = isRunning(status.state);
      tiles.speed.update(
        `${running ? rate(status.rowsPerSecond) : 0} rows/s`,
        `${rate(status.rangesPerSecond)} ranges/s`,
      );
      tiles.rate.update(perSecond(status.rate.perSecond), status.rate.reason);
      tiles.eta.update(running ? untilText(status.eta) : '–', status.eta ? when(status.eta) : '');
      tiles.ranges.update(`${compact(status.done)} done`, `${compact(status.outstanding)} outstanding`);
      tiles.failures.update(
        compact(status.failed + status.rowsFailed),
        [
          counted(status.rowsFailed, 'row'),
          ...(status.rowsMissing > 0 ? [`${counted(status.rowsMissing, 'row')} missing`] : []),
          ...(status.rowsRechecked > 0 ? [`${count(status.rowsRechecked)} handled again`] : []),
        ].join(', '),
      );
      tiles.verified.node.hidden = !status.verified;
      if (status.verified) tiles.verified.update(...verifiedTexts(status.verified));
      tiles.workers.update(count(status.workers), status.workers === 1 ? 'process' : 'processes');
    },
    async refresh() {
      const [config, samples, page, runList, historyList] = await Promise.all([
        read(`${url}/config`, has('config')),
        read(`${url}/samples`, isList),
        failures.load(),
        read(`${url}/runs?limit=10`, isList),
        read(`${url}/history?limit=${HISTORY_LIMIT}`, isList),
      ]);
      tuning.update(config);
      failures.update(page);
      drawRuns(runList);
      drawHistory(historyList);
      chart.update(samples, config.config);
    },
    close: () => chart.close(),
  };
}

/** What the verification has found, and how. */
function verifiedTexts({ left, swept, sampled, mismatched, confidence }) {
  const sample = confidence
    ? `; ${count(mismatched)} of ${count(sampled)} sampled rows wrong (${shareText(confidence)})`
    : '';
  return [left === null ? 'not counted' : `${count(left)} left`, `${count(swept)} swept${sample}`];
}

function shareText({ level, low, high }) {
  const percent = (share) => `${Number((share * 100).toPrecision(2))} %`;
  const range = low === 0 ? `fewer than ${percent(high)}` : `${percent(low)} to ${percent(high)}`;
  return `${range} of all rows, at ${percent(level)} confidence`;
}

function reasonText({ stateReason, startedAt, startedBy, reason }) {
  if (startedAt === null) return '';
  const who = startedBy ? ` by ${startedBy}` : '';
  const why = reason ? `: ${reason}` : '';
  return `Started ${when(startedAt)}${who}${why}${stateReason ? ` · ${stateReason}` : ''}`;
}

/** Buttons of the actions that the state allows. */
function actions(name, url) {
  const act = async (action, body) => {
    await change('POST', `${url}/${action}`, body);
    toast(`${name} ${PAST_TENSE[action]}`);
    changed();
  };
  const start = button('Start…', () => startDialog(name, url, (body) => act('start', body)), {
    kind: 'primary',
  });
  const pause = button('Pause', () => act('pause', {}));
  let adoptVersion = null;
  const resume = button('Resume', () => (adoptVersion === null ? act('resume', {}) : adopt(adoptVersion)), {
    kind: 'primary',
  });
  const adopt = (version) =>
    confirmDialog(
      `Resume ${name} with version ${version}?`,
      'From then on no process with another version of the handler works on the run. Ranges that are not done are ' +
        'processed with this version.',
      `Resume with version ${version}`,
      (reason) => act('resume', { adoptVersion: version, ...(reason ? { reason } : {}) }),
    );
  const cancel = button(
    'Cancel…',
    () =>
      confirmDialog(
        `Cancel ${name}?`,
        'A cancelled run cannot be resumed. Outstanding ranges are dropped; rows that are done stay as they are.',
        'Cancel the run',
        (reason) => act('cancel', reason ? { reason } : {}),
      ),
    { kind: 'danger' },
  );
  const node = el(
    'div.actions',
    { role: 'group', 'aria-label': `Control ${name}` },
    start,
    pause,
    resume,
    cancel,
  );
  return {
    node,
    update({ state, adoptVersion: version }) {
      adoptVersion = version;
      setText(resume, version === null ? 'Resume' : `Resume with version ${version}…`);
      start.hidden = isRunning(state) || state === 'paused';
      pause.hidden = !isRunning(state);
      resume.hidden = state !== 'paused';
      cancel.hidden = !start.hidden;
    },
  };
}
