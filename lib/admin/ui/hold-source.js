import { has, read } from './api.js';
import { createStore } from './store.js';

/** The hold of all backfills; `null`: there is none, `undefined`: not loaded, or an earlier version of the service. */
export const hold = createStore(undefined);

/** The events that are about all backfills. */
export const isGlobal = ({ type }) => type === 'heldAll' || type === 'releasedAll';

export async function loadHold() {
  hold.set((await read('/hold', has('hold'))).hold);
}
