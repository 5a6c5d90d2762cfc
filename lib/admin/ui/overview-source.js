import { has, isList, query, read } from './api.js';
import { createStore } from './store.js';

/** The statuses of all backfills by name, in order; `null` until they were loaded. */
export const overview = createStore(null);

let revision;
/** Whether the service has the endpoint; one of an earlier version has only the list. */
let hasOverview = true;

/** Loads the backfills that have changed since the last time. */
export async function loadOverview() {
  if (!hasOverview) {
    await loadList();
    return;
  }
  let answer;
  try {
    answer = await read(`/overview${query({ after: revision })}`, has('backfills'));
  } catch (error) {
    if (error.status !== 404) throw error;
    hasOverview = false;
    await loadList();
    return;
  }
  revision = answer.revision;
  const changed = new Map(answer.backfills.map((status) => [status.name, status]));
  const before = new Map((overview.get() ?? []).map((status) => [status.name, status]));
  const next = answer.names.map((name) => changed.get(name) ?? before.get(name));
  if (next.every(Boolean)) overview.set(next);
  // Without the status of a name nothing can be shown of it: the next answer has all.
  else revision = undefined;
}

async function loadList() {
  overview.set(await read('', isList));
}
