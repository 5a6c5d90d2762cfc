import { failuresOf, groupOf, GROUPS } from './status-groups.js';

const text = ({ name, description, stateReason, startedBy, pausedBy, reason }) =>
  [name, description, stateReason, startedBy, pausedBy, reason].filter(Boolean).join('\n').toLowerCase();
const time = (iso) => (iso ? Date.parse(iso) : Infinity);
const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** The orders of the list; all but the first show it without groups. */
export const SORTS = {
  '': ['State', byName],
  name: ['Name', byName],
  since: ['Newest change', (a, b) => since(b) - since(a)],
  end: ['Ends first', (a, b) => time(a.eta) - time(b.eta)],
  failures: ['Most failures', (a, b) => failuresOf(b) - failuresOf(a)],
  percent: ['Progress', (a, b) => b.percent - a.percent],
};

/** The sections of the list: `{ id, title, items }` of those that have items. */
export function sectionsOf(statuses, { search, state, sort }, now) {
  const needle = search.trim().toLowerCase();
  const shown = statuses.filter(
    (status) =>
      (needle === '' || text(status).includes(needle)) && (state === '' || groupOf(status, now) === state),
  );
  const [title, compare] = SORTS[sort] ?? SORTS[''];
  const sorted = shown.toSorted((a, b) => compare(a, b) || byName(a, b));
  if (sort !== '' && sort in SORTS) return sorted.length > 0 ? [{ id: 'all', title, items: sorted }] : [];
  return GROUPS.map(([id, name]) => ({
    id,
    title: name,
    items: sorted.filter((status) => groupOf(status, now) === id),
  })).filter(({ items }) => items.length > 0);
}

/** How many backfills each group has. */
export function countsOf(statuses, now) {
  const counts = {};
  for (const status of statuses) {
    const group = groupOf(status, now);
    counts[group] = (counts[group] ?? 0) + 1;
  }
  return counts;
}

function since({ stateSince, finishedAt, startedAt }) {
  return Date.parse(stateSince ?? finishedAt ?? startedAt ?? '') || 0;
}
