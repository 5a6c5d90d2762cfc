import type { Command } from 'commander';
import { parseBudget } from '../../config/parse-budget.js';
import { CliUsageError } from '../cli.error.js';
import type { CliSession } from '../cli-session.js';
import { budgetView } from '../output/budget-view.js';
import { parseAssignments } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';

interface BudgetFlags {
  readonly set?: string[];
  readonly ifVersion?: string;
  readonly reason?: string;
  readonly by?: string;
}

/** Limits of calls are set one by one, as `callsPerSecond.directory=50`. */
const CALLS = /^callsPerSecond\.(.*)$/s;

export function addBudgetCommand(program: Command, session: CliSession): void {
  program
    .command('budget')
    .description('print or change the budget that all runs share, and print which of them use it')
    .option(
      '--set <key=value...>',
      'limits, such as concurrency=16 rangesPerSecond=null callsPerSecond.directory=50; effective within a second',
    )
    .option('--if-version <version>', 'fail with a conflict unless the budget has this version')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async ({ set, ifVersion, reason, by }: BudgetFlags) => {
      const patch = set && parseBudget(nestedCalls(parseAssignments(set, 'concurrency=16')), 'budget');
      const service = await session.service();
      const status = patch
        ? await service.configureBudget(patch, { version: ifVersion, reason, by: operatorName(by) })
        : await service.budget();
      session.printer.print(status, budgetView);
    });
}

function nestedCalls(limits: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(limits).map(([key, value]) => [CALLS.exec(key)?.[1], key, value] as const);
  const single = entries.flatMap(([name, , value]) => (name === undefined ? [] : [[name, value] as const]));
  const nested: Record<string, unknown> = Object.fromEntries(
    entries.flatMap(([name, key, value]) => (name === undefined ? [[key, value] as const] : [])),
  );
  if (single.length === 0) {
    return nested;
  }
  if ('callsPerSecond' in nested) {
    throw new CliUsageError('Expected either callsPerSecond={…} or callsPerSecond.name=…, got both.');
  }
  return { ...nested, callsPerSecond: Object.fromEntries(single) };
}
