import { BUDGET_FIELDS } from '../../config/parse-budget.js';
import type { BudgetRun } from '../../supervision/budget-runs.js';
import type { BudgetStatus, DatabaseBudget } from '../../supervision/budget.changer.js';
import type { Style } from './style.js';
import { table } from './table.js';

const NUMBERS = Object.keys(BUDGET_FIELDS) as (keyof typeof BUDGET_FIELDS)[];

/** The limits, where they come from, and the runs that share them. */
export function budgetView(budget: BudgetStatus, style: Style): string {
  const { limits, patch, version, databases = [] } = budget;
  const { callsPerSecond: calls } = limits;
  const set = patch.callsPerSecond ?? {};
  // A limit that an operator has removed is shown as such.
  const names = [...new Set([...Object.keys(calls), ...Object.keys(set)])];
  const rows = [
    ...NUMBERS.map((key) => [key, limits[key], patch[key] !== undefined] as const),
    ...names.map((name) => [`callsPerSecond.${name}`, calls[name] ?? null, set[name] !== undefined] as const),
  ].map(([key, value, isSet]) => [
    key,
    value === null ? 'none' : String(value),
    isSet ? style('cyan', 'set') : style('dim', value === null ? 'default' : 'BackfillModule'),
  ]);
  return [
    table(['limit', 'value', 'from'], rows, style),
    style('dim', `version ${version}`),
    '',
    useText(budget, style),
    ...databases.flatMap((database) => [
      '',
      style('bold', `database ${database.context}`),
      useText(database, style),
    ]),
  ].join('\n');
}

function useText({ ranges, runs }: DatabaseBudget, style: Style): string {
  return runs.length === 0
    ? 'No run uses it.'
    : `${table(['backfill', 'run', 'weight', 'share', 'ranges', 'waits for'], runs.map(runRow), style)}\n${ranges.toLocaleString('en-US')} ranges in process`;
}

function runRow({ backfill, runId, weight, share, ranges, waitsFor }: BudgetRun): (string | number)[] {
  return [backfill, runId, weight, `${Number((100 * share).toPrecision(3))} %`, ranges, waitsFor ?? '-'];
}
