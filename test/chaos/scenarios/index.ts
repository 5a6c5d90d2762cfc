import type { Scenario } from '../scenario.js';
import { budgetScenarios } from './budget.js';
import { canaryScenarios } from './canary.js';
import { clockScenarios } from './clock.js';
import { controlScenarios } from './control.js';
import { deployScenarios } from './deploys.js';
import { guardScenarios } from './guards.js';
import { holdScenarios } from './hold.js';
import { killPoints } from './kill-points.js';
import { ledgerScenarios } from './ledger.js';
import { loadScenarios } from './load.js';
import { poisonScenarios } from './poison.js';
import { postgresScenarios } from './postgres.js';
import { randomized } from './randomized.js';
import { redisScenarios } from './redis.js';
import { undoScenarios } from './undo.js';
import { verificationScenarios } from './verification.js';
import { zombieScenarios } from './zombies.js';

/** Everything that is tried. Those that wait longest come first. */
export const scenarios: readonly Scenario[] = [
  ...randomized,
  ...redisScenarios,
  ...ledgerScenarios,
  ...undoScenarios,
  ...verificationScenarios,
  ...canaryScenarios,
  ...budgetScenarios,
  ...guardScenarios,
  ...postgresScenarios,
  ...loadScenarios,
  ...deployScenarios,
  ...killPoints,
  ...poisonScenarios,
  ...zombieScenarios,
  ...controlScenarios,
  ...holdScenarios,
  ...clockScenarios,
];
