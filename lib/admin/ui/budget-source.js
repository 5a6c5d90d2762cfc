import { has, read } from './api.js';
import { limitTexts } from './budget-values.js';
import { createStore } from './store.js';

/** Limits change by events alone, their use does all the time. */
const USE_MS = 4_900;

/** The budget that all runs share; `undefined`: not loaded, or an earlier version of the service, which has none. */
export const budget = createStore(undefined);

const isBudget = has('limits');

let isExpired = true;
let loadedAt = 0;

/** Has `refreshBudget` load it next time. */
export function expireBudget() {
  isExpired = true;
}

/** The events after which the limits may be others. */
export const changesBudget = ({ type }) => type === 'budgetConfigured' || type === 'reset';

export async function loadBudget() {
  try {
    budget.set(await read('/budget', isBudget));
  } catch (error) {
    if (error.status !== 404) throw error;
    budget.set(undefined);
  }
  isExpired = false;
  loadedAt = performance.now();
}

/** Loads it where it has expired, and every five seconds while it has limits. */
export async function refreshBudget() {
  const current = budget.get();
  const isUsed = current !== undefined && limitTexts(current.limits).length > 0;
  if (isExpired || (isUsed && performance.now() - loadedAt >= USE_MS)) await loadBudget();
}
