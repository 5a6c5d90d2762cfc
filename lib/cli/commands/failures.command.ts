import type { Command } from 'commander';
import type { FailurePage } from '../../state/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { moment } from '../output/time.js';
import { parseWhole } from '../parse-assignments.js';
import { operator } from './operator.js';

interface FailureFlags {
  readonly limit?: number;
  readonly after?: string;
  readonly run?: string;
  readonly stack?: boolean;
}

interface RetryFlags {
  readonly id?: readonly string[];
  readonly run?: string;
  readonly reason?: string;
  readonly by?: string;
}

export function addFailureCommands(program: Command, session: CliSession): void {
  program
    .command('failures')
    .description('ranges and rows that used up their attempts, with their errors')
    .argument('<name>')
    .option('--limit <count>', 'how many', parseWhole('--limit', 1))
    .option('--after <cursor>', 'the next page')
    .option('--run <id>', 'of this run; the newest without it')
    .option('--stack', 'with the stack of each error')
    .action(async (name: string, { limit, after, run, stack }: FailureFlags) => {
      const service = await session.service();
      const page = await service.failures(name, {
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
        ...(run === undefined ? {} : { runId: run }),
      });
      session.printer.answer(page, (value, style) => failureText(value, style, stack ?? false));
    });
  program
    .command('retry')
    .description('take failures back into their run as work')
    .argument('<name>')
    .option('--id <id...>', 'only these; all without it')
    .option('--run <id>', 'of this run; the newest without it')
    .option('--reason <text>', 'why, for the history')
    .option('--by <who>', 'who, for the history; the user of the shell without it')
    .action(async (name: string, { id, run, reason, by }: RetryFlags) => {
      const service = await session.service();
      const receipt = await service.retryFailures(name, {
        ...(id === undefined ? {} : { ids: id }),
        ...(run === undefined ? {} : { runId: run }),
        ...(reason === undefined ? {} : { reason }),
        by: operator(by),
      });
      session.printer.answer(
        receipt,
        ({ retried, runId, state }) => `${retried} taken back into run ${runId}, which is ${state}`,
      );
    });
}

function failureText(page: FailurePage, style: Style, stack: boolean): string {
  if (page.items.length === 0) {
    return 'No failures.';
  }
  const rows = page.items.map(({ id, kind, key, error, attempts, failedAt }) => [
    id,
    kind,
    typeof key === 'string' ? key : JSON.stringify(key),
    attempts,
    moment(failedAt),
    `${error.name}: ${error.message.split('\n', 1)[0]}`,
  ]);
  const stacks = stack ? page.items.map(({ id, error }) => `\n${id}\n${error.stack ?? error.message}`) : [];
  const more = page.next === null ? [] : [style('dim', `more: --after ${page.next}`)];
  return [
    table(['id', 'kind', 'key', 'attempts', 'failed at', 'error'], rows, style),
    ...stacks,
    ...more,
  ].join('\n');
}
