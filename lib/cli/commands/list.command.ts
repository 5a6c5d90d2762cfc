import type { Command } from 'commander';
import { isRunning } from '../../state/run-status.js';
import type { CliSession } from '../cli-session.js';
import { holdLine } from '../output/hold-line.js';
import { stateLine } from '../output/state-line.js';
import { styledState } from '../output/state-style.js';
import { table } from '../output/table.js';
import { formatTime } from '../output/time.js';

export function addListCommand(program: Command, session: CliSession): void {
  program
    .command('list')
    .description('list all backfills of the app with their states')
    .action(async () => {
      const service = await session.service();
      const [list, hold] = await Promise.all([service.list(), service.globalHold()]);
      const banner = hold === null ? [] : [`All backfills are ${holdLine(hold)}`];
      session.printer.print(list, (statuses, style) =>
        statuses.length === 0
          ? 'No backfills found. Add a class with @Backfill to the providers of a module.'
          : [
              ...banner.map((line) => style('yellow', line)),
              table(
                ['name', 'state', 'done', 'rows', 'failed', 'rate', 'ETA', ''],
                statuses.map((status) => [
                  status.name,
                  styledState(status.state, style) + (status.undoes === null ? '' : ' (undo)'),
                  status.state === 'idle' ? '-' : `${status.percent.toFixed(1)} %`,
                  status.rowsDone,
                  status.failed + status.rowsFailed,
                  isRunning(status.state) ? (status.rate.perSecond ?? 'unpaced').toString() : '-',
                  formatTime(status.eta),
                  stateLine(status) ?? '',
                ]),
                style,
              ),
            ].join('\n'),
      );
    });
}
