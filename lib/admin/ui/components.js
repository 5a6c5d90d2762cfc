import { el, onChange, setText } from './dom.js';
import { compact } from './format.js';

/** The state as a colored label. */
export function stateBadge() {
  const node = el('span.badge', {});
  return {
    node,
    update({ state, dryRun }) {
      node.dataset.state = state;
      setText(node, dryRun ? `${state} · dry run` : state);
    },
  };
}

/** Progress bar of a run, with its percentage and its rows. */
export function progressBar(label) {
  const done = el('span.bar-done', {});
  const track = el('div.bar', {
    role: 'progressbar',
    'aria-label': label,
    'aria-valuemin': 0,
    'aria-valuemax': 100,
  });
  track.append(done);
  const percent = el('strong', {});
  const rows = el('span.quiet', {});
  return {
    node: el('div.progress', {}, track, el('p.progress-text', {}, percent, rows)),
    update({ percent: value, rowsDone, rowsTotal, rowsTotalKind, state }) {
      track.setAttribute('aria-valuenow', String(value));
      track.setAttribute('aria-valuetext', `${value} percent`);
      done.style.width = `${value}%`;
      track.dataset.state = state;
      setText(percent, `${value} %`);
      const about = rowsTotalKind === 'estimated' ? 'about ' : '';
      setText(
        rows,
        rowsTotal === null
          ? 'no run yet'
          : `${compact(rowsDone)} of ${about}${compact(rowsTotal)} ${rowsTotal === 1 ? 'row' : 'rows'}`,
      );
    },
  };
}

/** The warnings of a status. */
export function warningList() {
  const node = el('ul.warnings', { hidden: true });
  const draw = onChange((warnings) => {
    node.hidden = warnings.length === 0;
    node.replaceChildren(...warnings.map((text) => el('li', {}, text)));
  });
  return { node, update: draw };
}

/** A table that scrolls in itself on narrow screens. `empty` is shown instead where there are no rows. */
export function table(caption, headings, rows, empty) {
  if (rows.length === 0) return el('p.quiet', {}, empty);
  return el(
    'div.scroll',
    { tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption.hidden', {}, caption),
      el('thead', {}, el('tr', {}, ...headings.map((heading) => el('th', { scope: 'col' }, heading)))),
      el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))))),
    ),
  );
}

/** A value with a label and a note. */
export function tile(label) {
  const value = el('dd', {}, '–');
  const note = el('dd.quiet', {});
  return {
    node: el('div.tile', {}, el('dt', {}, label), value, note),
    update(valueText, noteText = '') {
      setText(value, valueText);
      setText(note, noteText);
    },
  };
}

/** A panel with a heading. */
export function section(title, ...children) {
  const id = `section-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return el('section.panel', { 'aria-labelledby': id }, el('h3', { id }, title), ...children);
}
