import type { Command } from 'commander';
import type { UndoConflictPage } from '../../journal/undo-conflicts.js';
import type { CliSession } from '../cli-session.js';
import { styledState } from '../output/state-style.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { wholeNumber } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';

interface UndoFlags {
  readonly run: string;
  readonly reason?: string;
  readonly by?: string;
}

interface ConflictFlags {
  readonly run?: string;
  readonly limit?: number;
  readonly after?: string;
}

export function addUndoCommands(program: Command, session: CliSession): void {
  program
    .command('undo')
    .description(
      'start a run that undoes another: old values back where others have not written the row since',
    )
    .argument('<name>')
    .requiredOption('--run <id>', 'id of the run that is undone')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async (name: string, { run, reason, by }: UndoFlags) => {
      const service = await session.service();
      const receipt = await service.undo(name, {
        runId: run,
        ...(reason === undefined ? {} : { reason }),
        by: operatorName(by),
      });
      session.printer.print(
        receipt,
        ({ runId, state }, style) =>
          `${name} is ${styledState(state, style)}, run ${runId}, which undoes run ${run}`,
      );
    });
  program
    .command('conflicts')
    .description('list the rows that an undo has left as they are, because others have written them')
    .argument('<name>')
    .option('--run <id>', 'id of the run that undid another (default: the newest undo)')
    .option('--limit <count>', 'maximum number of rows', wholeNumber('--limit', 1))
    .option('--after <cursor>', 'cursor of the next page, from the previous one')
    .action(async (name: string, { run, limit, after }: ConflictFlags) => {
      const service = await session.service();
      const page = await service.undoConflicts(name, {
        ...(run === undefined ? {} : { runId: run }),
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
      });
      session.printer.print(page, conflictTable);
    });
}

function conflictTable({ items, next }: UndoConflictPage, style: Style): string {
  if (items.length === 0) {
    return 'No conflicts.';
  }
  const rows = items.map(({ table: name, key, reason, columns }) => [
    name,
    typeof key === 'string' ? key : JSON.stringify(key),
    reason,
    columns.join(', '),
  ]);
  const more = next === null ? [] : [style('dim', `next page: --after ${next}`)];
  return [table(['table', 'key', 'reason', 'columns'], rows, style), ...more].join('\n');
}
