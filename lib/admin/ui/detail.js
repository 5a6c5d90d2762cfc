import { change, has, isList, nameUrl, read } from './api.js';
import { throughputChart } from './chart.js';
import { confirmDialog, startDialog } from './dialogs.js';
import { button, el, onChange, setText, toast } from './dom.js';
import { failuresPart } from './failures.js';
import { compact, count, perSecond, rate, untilText, when } from './format.js';
import { changesTable, historyTable, runsTable } from './history.js';
import { bar, section, stateBadge, tile, warningList } from './parts.js';
import { tuningForm } from './tuning.js';

/** So many things are looked at for config changes, and the newest of them shown. */
const LOOKED_AT = 200;
const SHOWN = 30;

const changed = () => dispatchEvent(new Event('backfill:changed'));

/** One backfill: how it goes, what can be done, what went wrong, what was done. */
export function detailView(name) {
  const url = nameUrl(name);
  const badge = stateBadge();
  const progress = bar(`Progress of ${name}`);
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
  };
  const chart = throughputChart(name);
  const tuning = tuningForm(url, changed);
  const failures = failuresPart(url, changed);
  const runs = el('div', {});
  const history = el('div', {});
  const changes = el('div', {});
  const drawRuns = onChange((list) => runs.replaceChildren(runsTable(list)));
  const drawHistory = onChange((list) => {
    history.replaceChildren(historyTable(list.slice(0, SHOWN)));
    changes.replaceChildren(changesTable(list));
  });
  const controls = actions(name, url);
  const missing = el(
    'p.trouble',
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
    el('div.columns', {}, section('Config changes', changes), section('What was done', history)),
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
      setText(description, status.description ?? '');
      setText(reason, reasonText(status));
      lastError.hidden = status.lastError === null;
      if (status.lastError) {
        setText(lastError, `Last error, ${when(status.lastError.at)}: ${status.lastError.message}`);
      }
      const running = status.state === 'running';
      tiles.speed.update(
        `${running ? rate(status.rowsPerSecond) : 0} rows/s`,
        `${rate(status.rangesPerSecond)} ranges/s`,
      );
      tiles.rate.update(perSecond(status.rate.perSecond), status.rate.reason);
      tiles.eta.update(running ? untilText(status.eta) : '–', status.eta ? when(status.eta) : '');
      tiles.ranges.update(`${compact(status.done)} done`, `${compact(status.outstanding)} outstanding`);
      tiles.failures.update(compact(status.failed + status.rowsFailed), `${count(status.rowsFailed)} rows`);
      tiles.workers.update(count(status.workers), status.workers === 1 ? 'process' : 'processes');
    },
    async refresh() {
      const [config, samples, page, runList, historyList] = await Promise.all([
        read(`${url}/config`, has('config')),
        read(`${url}/samples`, isList),
        failures.load(),
        read(`${url}/runs?limit=10`, isList),
        read(`${url}/history?limit=${LOOKED_AT}`, isList),
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

function reasonText({ stateReason, startedAt, startedBy, reason }) {
  if (startedAt === null) return '';
  const who = startedBy ? ` by ${startedBy}` : '';
  const why = reason ? `: ${reason}` : '';
  return `Started ${when(startedAt)}${who}${why}${stateReason ? ` · ${stateReason}` : ''}`;
}

/** The buttons that fit the state. */
function actions(name, url) {
  const act = async (action, body) => {
    await change('POST', `${url}/${action}`, body);
    toast(`${name}: ${action} done`);
    changed();
  };
  const start = button('Start…', () => startDialog(name, url, (body) => act('start', body)), {
    kind: 'primary',
  });
  const pause = button('Pause', () => act('pause', {}));
  const resume = button('Resume', () => act('resume', {}), { kind: 'primary' });
  const cancel = button(
    'Cancel…',
    () =>
      confirmDialog(
        `Cancel ${name}?`,
        'The run ends for good and what is outstanding is dropped. Rows that are done stay done.',
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
    update({ state }) {
      start.hidden = state === 'running' || state === 'paused';
      pause.hidden = state !== 'running';
      resume.hidden = state !== 'paused';
      cancel.hidden = !start.hidden;
    },
  };
}
