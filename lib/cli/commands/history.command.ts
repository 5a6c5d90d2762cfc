import type { Command } from 'commander';
import type { BackfillHistoryType } from '../../state/history-request.js';
import type { BackfillHistoryEntry } from '../../state/history.store.js';
import type { CliSession } from '../cli-session.js';
import type { Style } from '../output/style.js';
import { table } from '../output/table.js';
import { formatTime } from '../output/time.js';
import { wholeNumber } from '../parse-assignments.js';

const ENTRIES = 20;

interface HistoryFlags {
  readonly limit: number;
  readonly before?: string;
  readonly type?: readonly string[];
  readonly run?: string;
}

export function addHistoryCommand(program: Command, session: CliSession): void {
  program
    .command('history')
    .description('list who did what, when and why, newest first')
    .argument('<name>')
    .option('--limit <count>', 'maximum number of entries', wholeNumber('--limit', 1), ENTRIES)
    .option('--before <id>', 'id of the last entry of the previous page')
    .option('--type <type...>', 'only entries of these types, such as paused or configured')
    .option('--run <id>', 'only entries of this run')
    .action(async (name: string, { limit, before, type, run }: HistoryFlags) => {
      const service = await session.service();
      const entries = await service.history(name, {
        limit,
        ...(before === undefined ? {} : { before }),
        ...(type === undefined ? {} : { types: type as BackfillHistoryType[] }),
        ...(run === undefined ? {} : { runId: run }),
      });
      session.printer.print(entries, (value, style) => historyTable(value, style, limit));
    });
}

function historyTable(entries: readonly BackfillHistoryEntry[], style: Style, limit: number): string {
  if (entries.length === 0) {
    return 'No entries.';
  }
  const rows = entries.map(({ at, type, runId, data: { by, reason, ...details } }) => [
    formatTime(at),
    type,
    runId ?? '-',
    textOf(by),
    textOf(reason),
    Object.keys(details).length === 0 ? '-' : JSON.stringify(details),
  ]);
  const more =
    entries.length < limit ? [] : [style('dim', `next page: --before ${entries.at(-1)?.id ?? ''}`)];
  return [table(['at', 'type', 'run', 'by', 'reason', 'details'], rows, style), ...more].join('\n');
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '-';
}
