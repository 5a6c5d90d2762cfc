import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import { failureGroupTable, failureTable, retryText } from '../output/failure-view.js';
import { wholeNumber } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';

interface FailureFlags {
  readonly limit?: number;
  readonly after?: string;
  readonly run?: string;
  readonly group?: string;
  readonly search?: string;
  readonly groups?: boolean;
  readonly stack?: boolean;
}

interface RetryFlags {
  readonly id?: readonly string[];
  readonly group?: string;
  readonly run?: string;
  readonly adoptVersion?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addFailureCommands(program: Command, session: CliSession): void {
  program
    .command('failures')
    .description('list the ranges and rows that failed after all attempts, with their errors, newest first')
    .argument('<name>')
    .option('--limit <count>', 'maximum number of failures', wholeNumber('--limit', 1))
    .option('--after <cursor>', 'cursor of the next page, from the previous one')
    .option('--run <id>', 'id of the run (default: the newest)')
    .option('--groups', 'group all failures of the run by class and message')
    .option('--group <id>', 'only the failures of this group')
    .option('--search <text>', 'only failures with this text in their id, key, class or message')
    .option('--stack', 'print the stack of each error')
    .action(async (name: string, { limit, after, run, group, search, groups, stack }: FailureFlags) => {
      const service = await session.service();
      if (groups) {
        const found = await service.failureGroups(name, run === undefined ? {} : { runId: run });
        session.printer.print(found, failureGroupTable);
        return;
      }
      const page = await service.failures(name, {
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
        ...(run === undefined ? {} : { runId: run }),
        ...(group === undefined ? {} : { group }),
        ...(search === undefined ? {} : { search }),
      });
      session.printer.print(page, (value, style) => failureTable(value, style, stack ?? false));
    });
  program
    .command('retry')
    .description('requeue failed ranges and rows in their run')
    .argument('<name>')
    .option('--id <id...>', 'ids of failures (default: all)')
    .option('--group <id>', 'only the failures of this group, see failures --groups')
    .option('--run <id>', 'id of the run (default: the newest)')
    .option('--adopt-version <version>', 'version of the handler that a run that has ended goes on with')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async (name: string, { id, group, run, adoptVersion, reason, by }: RetryFlags) => {
      const service = await session.service();
      const receipt = await service.retryFailures(name, {
        ...(id === undefined ? {} : { ids: id }),
        ...(group === undefined ? {} : { group }),
        ...(run === undefined ? {} : { runId: run }),
        ...(adoptVersion === undefined ? {} : { adoptVersion }),
        ...(reason === undefined ? {} : { reason }),
        by: operatorName(by),
      });
      session.printer.print(receipt, (value, style) => retryText(value, style, group));
      if (receipt.unknownIds.length > 0 || (group !== undefined && receipt.retried === 0)) {
        session.exitWith(EXIT_CODES.failure);
      }
    });
}
