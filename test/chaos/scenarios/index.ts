import type { Scenario } from '../scenario.js';
import { killPoints } from './kill-points.js';

/** Everything that is tried, in the order of the README's guarantees. */
export const scenarios: readonly Scenario[] = [...killPoints];
