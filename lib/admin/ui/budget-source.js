import { has, read } from './api.js';
import { createStore } from './store.js';

/** The budget that all runs share; `undefined`: not loaded, or an earlier version of the service, which has none. */
export const budget = createStore(undefined);

const isBudget = has('limits');

export async function loadBudget() {
  try {
    budget.set(await read('/budget', isBudget));
  } catch (error) {
    if (error.status !== 404) throw error;
    budget.set(undefined);
  }
}
