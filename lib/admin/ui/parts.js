import { el, onChange, setText } from './dom.js';
import { compact, rate } from './format.js';

/** The state as a word and a colour. */
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

/** How far a run is, with what is done and what failed. */
export function bar(label) {
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
        rowsTotal === null ? 'never run' : `${compact(rowsDone)} of ${about}${compact(rowsTotal)} rows`,
      );
    },
  };
}

/** What needs attention. */
export function warningList() {
  const node = el('ul.warnings', { hidden: true });
  const draw = onChange((warnings) => {
    node.hidden = warnings.length === 0;
    node.replaceChildren(...warnings.map((text) => el('li', {}, text)));
  });
  return { node, update: draw };
}

/** A table with a caption; it scrolls by itself where the page is narrow. */
export function table(caption, heads, rows, empty) {
  if (rows.length === 0) return el('p.quiet', {}, empty);
  return el(
    'div.scroll',
    { tabindex: 0, role: 'region', 'aria-label': caption },
    el(
      'table',
      {},
      el('caption.hidden', {}, caption),
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
      el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell))))),
    ),
  );
}

/** A figure with its name. */
export function tile(label) {
  const value = el('dd', {}, '–');
  const note = el('dd.quiet', {});
  return {
    node: el('div.tile', {}, el('dt', {}, label), value, note),
    update(text, more = '') {
      setText(value, text);
      setText(note, more);
    },
  };
}

export const measured = (value, unit) => `${rate(value)} ${unit}`;

/** A part of the page under a heading. */
export function section(title, ...children) {
  const id = `part-${title.toLowerCase().replaceAll(/\W+/g, '-')}`;
  return el('section.panel', { 'aria-labelledby': id }, el('h3', { id }, title), ...children);
}
