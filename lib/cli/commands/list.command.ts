import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { styledState } from '../output/state-style.js';
import { table } from '../output/table.js';
import { moment } from '../output/time.js';

export function addListCommand(program: Command, session: CliSession): void {
  program
    .command('list')
    .description('every backfill of the app, with its state')
    .action(async () => {
      const service = await session.service();
      session.printer.answer(await service.list(), (statuses, style) =>
        statuses.length === 0
          ? 'This app has no backfill. Is a class with @Backfill among the providers of a module?'
          : table(
              ['name', 'state', 'done', 'rows', 'failed', 'rate', 'ETA'],
              statuses.map((status) => [
                status.name,
                styledState(status.state, style),
                status.state === 'idle' ? '-' : `${status.percent.toFixed(1)} %`,
                status.rowsDone,
                status.failed + status.rowsFailed,
                status.state === 'running' ? (status.rate.perSecond ?? 'unpaced').toString() : '-',
                moment(status.eta),
              ]),
              style,
            ),
      );
    });
}
