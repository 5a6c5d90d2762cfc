import { has, query, read } from './api.js';

const PAGE_SIZE = 20;

/** The failures of a run by kind: `{ total, groups }`, most first. */
export async function loadGroups(url, { runId }) {
  return read(`${url}/failure-groups${query({ runId })}`, has('groups'));
}

/** A page of failures, newest first: those of a group, or that match a search. */
export async function loadFailures(url, { runId, group, search, cursor }) {
  const filter = { runId, group: group?.id, search, cursor, limit: PAGE_SIZE };
  return read(`${url}/failures${query(filter)}`, has('items'));
}
