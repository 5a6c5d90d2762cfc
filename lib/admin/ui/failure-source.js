import { has, query, read } from './api.js';

const PAGE_SIZE = 20;
/** A service of an earlier version does not group failures: the page groups so many of them. */
const GROUPED = 1_000;

let hasGroups = true;

/** The failures of a run by kind: `{ total, groups, isPartial }`, most first. */
export async function loadGroups(url, { runId }) {
  if (hasGroups) {
    try {
      return await read(`${url}/failure-groups${query({ runId })}`, has('groups'));
    } catch (error) {
      if (error.status !== 404) throw error;
      hasGroups = false;
    }
  }
  const { items, next } = await read(`${url}/failures${query({ runId, limit: GROUPED })}`, has('items'));
  return { total: items.length, groups: groupsOf(items), isPartial: next !== null };
}

/** A page of failures: those of a group, or that match a search. */
export async function loadFailures(url, { runId, group, search, cursor }) {
  const filter = hasGroups ? { group: group?.id, search, cursor } : { after: cursor };
  const page = await read(
    `${url}/failures${query({ runId, limit: hasGroups ? PAGE_SIZE : GROUPED, ...filter })}`,
    has('items'),
  );
  if (hasGroups) return page;
  const needle = (search ?? '').toLowerCase();
  const items = page.items.filter(
    (failure) =>
      (!group || groupKey(failure) === group.id) && JSON.stringify(failure).toLowerCase().includes(needle),
  );
  return { items: items.toReversed(), next: page.next };
}

/** What a retry of a group sends: its id, or the ids of its failures where the service does not know groups. */
export async function retryBody(url, { runId, group }) {
  if (!group) return { runId };
  if (hasGroups) return { runId, group: group.id };
  const { items } = await loadFailures(url, { runId, group });
  return { runId, ids: items.map(({ id }) => id) };
}

function groupsOf(items) {
  const groups = new Map();
  for (const failure of items) {
    const id = groupKey(failure);
    const group = groups.get(id) ?? {
      id,
      error: failure.error.name,
      message: constantPart(failure.error.message),
      count: 0,
      rows: 0,
      firstAt: failure.failedAt,
      lastAt: failure.failedAt,
      example: failure,
    };
    group.count++;
    if (failure.failedAt > group.lastAt) group.lastAt = failure.failedAt;
    groups.set(id, group);
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count);
}

const groupKey = ({ error }) => `${error.name}: ${constantPart(error.message)}`;
const constantPart = (message) => message.replaceAll(/\d+/g, '…');
