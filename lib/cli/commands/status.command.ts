import type { Command } from 'commander';
import { isRunning } from '../../state/run-status.js';
import type { BackfillStatus } from '../../status/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import { statusLines } from '../output/status-view.js';
import { Watch } from '../output/watch.js';
import { wholeNumber } from '../parse-assignments.js';

interface StatusOptions {
  readonly watch?: boolean;
  readonly interval: number;
}

export function addStatusCommand(program: Command, session: CliSession): void {
  program
    .command('status')
    .description('print the progress of a backfill, or of all')
    .argument('[name]')
    .option('-w, --watch', 'show progress until the run ends; Ctrl-C stops the watch, not the run')
    .option(
      '--interval <ms>',
      'polling interval of --watch in milliseconds',
      wholeNumber('--interval', 1),
      1000,
    )
    .action(async (name: string | undefined, { watch, interval }: StatusOptions) => {
      const service = await session.service();
      const read = async () => (name === undefined ? service.list() : [await service.status(name)]);
      if (watch) {
        await new Watch(session, interval).follow(read, (statuses) => statuses.every(isOver));
        return;
      }
      const statuses = await read();
      session.printer.print(name === undefined ? statuses : statuses[0], (_value, style) =>
        statuses.flatMap((status) => statusLines(status, style)).join('\n'),
      );
    });
}

function isOver({ state }: BackfillStatus): boolean {
  return !isRunning(state) && state !== 'paused';
}
