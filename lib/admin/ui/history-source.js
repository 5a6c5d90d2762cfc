import { isList, query, read } from './api.js';

const PAGE_SIZE = 30;

/** Kinds of entries that the timeline can be limited to, with their types. */
export const FILTERS = {
  '': ['Everything', []],
  config: ['Config changes', ['configured', 'overridden']],
  actions: ['Actions', ['started', 'paused', 'resumed', 'cancelled', 'retried']],
  holds: [
    'Holds, stalls and deploys',
    ['held', 'released', 'heldAll', 'releasedAll', 'stalled', 'stallEnded', 'late', 'onTime', 'deployed'],
  ],
  ends: ['Ends of runs', ['completed', 'failed', 'cancelled', 'verifying', 'canaryEnded']],
};

/** A page of the history, newest first: `{ entries, hasMore }`. */
export async function loadHistory(url, { filter = '', runId, before }) {
  const [, types] = FILTERS[filter];
  const parameters = { limit: PAGE_SIZE, before, types: types.join(','), runId };
  const entries = await read(`${url}/history${query(parameters)}`, isList);
  return { entries, hasMore: entries.length === PAGE_SIZE };
}

/** Ids of entries are `<ms>-<number>`. */
export function idOrder(a, b) {
  const [aMs, aNumber = 0] = a.split('-').map(Number);
  const [bMs, bNumber = 0] = b.split('-').map(Number);
  return aMs - bMs || aNumber - bNumber;
}
