import type { Command } from 'commander';
import type { CliSession } from '../cli-session.js';
import { styledState } from '../output/state-style.js';
import { table } from '../output/table.js';
import { formatTime } from '../output/time.js';
import { wholeNumber } from '../parse-assignments.js';

export function addRunsCommand(program: Command, session: CliSession): void {
  program
    .command('runs')
    .description('list the runs of a backfill, newest first')
    .argument('<name>')
    .option('--limit <count>', 'maximum number of runs', wholeNumber('--limit', 1), 20)
    .action(async (name: string, { limit }: { readonly limit: number }) => {
      const service = await session.service();
      session.printer.print(await service.runs(name, limit), (runs, style) =>
        runs.length === 0
          ? 'No runs yet.'
          : table(
              ['run', 'status', 'started at', 'finished at', 'by', 'ranges', 'rows', 'failures', 'reason'],
              runs.map((run) => [
                run.id,
                styledState(run.status, style) +
                  (run.dryRun ? ' (dry run)' : '') +
                  (run.undoes === null ? '' : ` (undoes ${run.undoes})`),
                formatTime(run.startedAt),
                formatTime(run.finishedAt),
                run.startedBy ?? '-',
                run.done,
                run.rowsDone,
                run.failures,
                run.reason ?? '-',
              ]),
              style,
            ),
      );
    });
}
