import type { Command } from 'commander';
import type { FailurePage } from '../../state/backfill-failure.js';
import type { RetryReceipt } from '../../state/run-actions.js';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { formatTime } from '../output/time.js';
import { wholeNumber } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';

interface FailureFlags {
  readonly limit?: number;
  readonly after?: string;
  readonly run?: string;
  readonly stack?: boolean;
}

interface RetryFlags {
  readonly id?: readonly string[];
  readonly run?: string;
  readonly adoptVersion?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addFailureCommands(program: Command, session: CliSession): void {
  program
    .command('failures')
    .description('list the ranges and rows that failed after all attempts, with their errors')
    .argument('<name>')
    .option('--limit <count>', 'maximum number of failures', wholeNumber('--limit', 1))
    .option('--after <cursor>', 'cursor of the next page, from the previous one')
    .option('--run <id>', 'id of the run (default: the newest)')
    .option('--stack', 'print the stack of each error')
    .action(async (name: string, { limit, after, run, stack }: FailureFlags) => {
      const service = await session.service();
      const page = await service.failures(name, {
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
        ...(run === undefined ? {} : { runId: run }),
      });
      session.printer.print(page, (value, style) => failureTable(value, style, stack ?? false));
    });
  program
    .command('retry')
    .description('requeue failed ranges and rows in their run')
    .argument('<name>')
    .option('--id <id...>', 'ids of failures (default: all)')
    .option('--run <id>', 'id of the run (default: the newest)')
    .option('--adopt-version <version>', 'version of the handler that a run that has ended goes on with')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async (name: string, { id, run, adoptVersion, reason, by }: RetryFlags) => {
      const service = await session.service();
      const receipt = await service.retryFailures(name, {
        ...(id === undefined ? {} : { ids: id }),
        ...(run === undefined ? {} : { runId: run }),
        ...(adoptVersion === undefined ? {} : { adoptVersion }),
        ...(reason === undefined ? {} : { reason }),
        by: operatorName(by),
      });
      session.printer.print(receipt, retryText);
      if (receipt.unknownIds.length > 0) {
        session.exitWith(EXIT_CODES.failure);
      }
    });
}

function retryText({ retried, runId, state, unknownIds }: RetryReceipt, style: Style): string {
  const receipt = `${retried} requeued in run ${runId}, which is ${state}`;
  if (unknownIds.length === 0) {
    return receipt;
  }
  const ids = `${unknownIds.length === 1 ? 'id' : 'ids'} ${unknownIds.join(', ')}`;
  return `${receipt}\n${style('red', `No failure of the run has the ${ids}: see the command failures for those that it has`)}`;
}

function failureTable(page: FailurePage, style: Style, stack: boolean): string {
  if (page.items.length === 0) {
    return 'No failures.';
  }
  const rows = page.items.map(({ id, kind, key, error, attempts, failedAt }) => [
    id,
    kind,
    typeof key === 'string' ? key : JSON.stringify(key),
    attempts,
    formatTime(failedAt),
    `${error.name}: ${error.message.split('\n', 1)[0]}`,
  ]);
  const stacks = stack ? page.items.map(({ id, error }) => `\n${id}\n${error.stack ?? error.message}`) : [];
  const more = page.next === null ? [] : [style('dim', `next page: --after ${page.next}`)];
  return [
    table(['id', 'kind', 'key', 'attempts', 'failed at', 'error'], rows, style),
    ...stacks,
    ...more,
  ].join('\n');
}
