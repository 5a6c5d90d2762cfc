import type { Command } from 'commander';
import type { GlobalHold } from '../../state/global-hold.js';
import type { CliSession } from '../cli-session.js';
import { holdLine } from '../output/hold-line.js';
import { operatorName } from './operator-name.js';

interface HoldFlags {
  readonly reason: string;
  readonly until?: string;
  readonly by?: string;
}

interface ReleaseFlags {
  readonly reason?: string;
  readonly by?: string;
}

/** Commands for all backfills at once. */
export function addHoldCommands(program: Command, session: CliSession): void {
  program
    .command('hold')
    .description('hold all runs of all backfills in all processes, until they are released')
    .requiredOption('--reason <text>', 'reason shown to everybody and recorded in the history')
    .option('--until <time>', 'ISO time at which the hold ends by itself, such as 2030-01-31T18:00:00Z')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async ({ reason, until, by }: HoldFlags) => {
      const service = await session.service();
      const receipt = await service.hold({
        reason,
        by: operatorName(by),
        ...(until === undefined ? {} : { until }),
      });
      session.printer.print(receipt, ({ hold, changed }, style) =>
        style('yellow', held(hold, changed ? 'are' : 'were already')),
      );
    });
  program
    .command('release')
    .description('release the hold of all runs; runs that are paused stay so')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .action(async ({ reason, by }: ReleaseFlags) => {
      const service = await session.service();
      const receipt = await service.release({
        by: operatorName(by),
        ...(reason === undefined ? {} : { reason }),
      });
      session.printer.print(receipt, ({ changed }) =>
        changed ? 'all backfills are released' : 'nothing was held',
      );
    });
}

function held(hold: GlobalHold | null, verb: string): string {
  return `all backfills ${verb} ${hold === null ? 'held' : holdLine(hold)}`;
}
