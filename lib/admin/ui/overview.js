import { el, setText } from './dom.js';
import { progressBar, stateBadge, warningList } from './components.js';
import { compact, isRunning, perSecond, rate, untilText } from './format.js';

/** The list of all backfills, the most urgent first. */
export function overview() {
  const list = el('ul.cards', { 'aria-label': 'Backfills' });
  const summary = el('p.quiet', {});
  const node = el('section', {}, summary, list);
  const cards = new Map();
  return {
    node,
    update(statuses) {
      const running = statuses.filter(({ state }) => isRunning(state)).length;
      const failing = statuses.filter(({ failed, rowsFailed }) => failed + rowsFailed > 0).length;
      setText(summary, summaryText(statuses.length, running, failing));
      const names = new Set(statuses.map(({ name }) => name));
      for (const [name, { node: removed }] of cards) {
        if (!names.has(name)) {
          removed.remove();
          cards.delete(name);
        }
      }
      for (const status of statuses) {
        if (!cards.has(status.name)) {
          const created = card(status.name);
          cards.set(status.name, created);
          list.append(created.node);
        }
        cards.get(status.name).update(status);
      }
      reorder(
        list,
        statuses.toSorted((a, b) => urgency(a) - urgency(b)).map(({ name }) => cards.get(name).node),
      );
    },
  };
}

/** Sort key: failed runs and warnings, then running, then paused, then all others. */
function urgency({ state, failed, rowsFailed, warnings }) {
  if (state === 'failed' || warnings.length > 0 || (state !== 'cancelled' && failed + rowsFailed > 0))
    return 0;
  return { running: 1, paused: 2 }[state] ?? 3;
}

/** Moves only nodes that are out of place, and keeps the focus, which moving a node removes. */
function reorder(list, nodes) {
  const focused = document.activeElement;
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  if (focused !== document.activeElement && list.contains(focused)) focused.focus({ preventScroll: true });
}

function summaryText(all, running, failing) {
  if (all === 0) return 'No handler of this app is decorated with @Backfill.';
  return [
    `${all} backfill${all === 1 ? '' : 's'}`,
    `${running} running`,
    failing > 0 ? `${failing} with failures` : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

function card(name) {
  const badge = stateBadge();
  const progress = progressBar(`Progress of ${name}`);
  const description = el('p.quiet.line', {});
  const facts = Object.fromEntries(
    ['Rows/s', 'Rate', 'Ends in', 'Failures'].map((label) => [label, fact(label)]),
  );
  const warnings = warningList();
  const node = el(
    'li.card',
    {},
    el(
      'div.card-head',
      {},
      el('h2', {}, el('a', { href: `#/${encodeURIComponent(name)}` }, name)),
      badge.node,
    ),
    description,
    progress.node,
    el('dl.facts', {}, ...Object.values(facts).map(({ node }) => node)),
    warnings.node,
  );
  return {
    node,
    update(status) {
      node.dataset.state = status.state;
      badge.update(status);
      progress.update(status);
      warnings.update(status.warnings);
      setText(description, status.stateReason ?? status.description ?? '');
      const failures = status.failed + status.rowsFailed;
      facts['Rows/s'].update(isRunning(status.state) ? rate(status.rowsPerSecond) : '–');
      facts['Rate'].update(
        isRunning(status.state) ? perSecond(status.rate.perSecond) : '–',
        status.rate.reason,
      );
      facts['Ends in'].update(isRunning(status.state) ? untilText(status.eta) : '–');
      facts['Failures'].update(compact(failures));
      facts['Failures'].node.classList.toggle('bad', failures > 0);
    },
  };
}

function fact(label) {
  const value = el('dd', {}, '–');
  return {
    node: el('div.fact', {}, el('dt', {}, label), value),
    update(text, title = '') {
      setText(value, text);
      if (value.title !== title) value.title = title;
    },
  };
}
