import { has, query, read } from './api.js';
import { hold } from './hold-source.js';
import { createStore } from './store.js';

/** The statuses of all backfills by name, in order; `null` until they were loaded. */
export const overview = createStore(null);

let revision;

/** Loads the backfills that have changed since the last time. */
export async function loadOverview() {
  const answer = await read(`/overview${query({ after: revision })}`, has('backfills'));
  hold.set(answer.hold);
  const changed = new Map(answer.backfills.map((status) => [status.name, status]));
  const before = new Map((overview.get() ?? []).map((status) => [status.name, status]));
  const next = answer.names.map((name) => changed.get(name) ?? before.get(name));
  // Without the status of a name nothing can be shown of it: the next answer has all.
  const isComplete = next.every(Boolean);
  revision = isComplete ? answer.revision : undefined;
  if (isComplete) overview.set(next);
}
