import type { Command } from 'commander';
import { parseConfigPatch } from '../../config/parse-config-patch.js';
import type { BackfillStatus } from '../../state/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import { EXIT_CODES } from '../exit-code.js';
import { styledState } from '../output/state-style.js';
import { Watch } from '../output/watch.js';
import { parseAssignments, parseBound, parseWhole } from '../parse-assignments.js';
import { operator } from './operator.js';

interface StartFlags {
  readonly from?: unknown;
  readonly to?: unknown;
  readonly set?: readonly string[];
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly by?: string;
  readonly idempotencyKey?: string;
  readonly watch?: boolean;
  readonly interval: number;
}

export function addStartCommand(program: Command, session: CliSession): void {
  program
    .command('start')
    .description('start a run')
    .argument('<name>')
    .option('--from <key>', 'first row, inclusive: an id, text, or JSON of the key columns', parseBound)
    .option('--to <key>', 'last row, inclusive', parseBound)
    .option('--set <key=value...>', 'config to set before the start, such as perSecondOnPeak=4')
    .option('--dry-run', 'run everything in transactions that are rolled back')
    .option('--reason <text>', 'why, for the history')
    .option('--by <who>', 'who, for the history; the user of the shell without it')
    .option('--idempotency-key <key>', 'the same key answers the same run for a day')
    .option('-w, --watch', 'follow the run; the command fails when the run does')
    .option('--interval <ms>', 'how often to look', parseWhole('--interval', 1), 1000)
    .action(async (name: string, flags: StartFlags) => {
      const config = parseConfigPatch(parseAssignments(flags.set ?? []), {
        backfill: name,
        origin: 'start',
      });
      const service = await session.service();
      const { from, to, dryRun, reason, idempotencyKey } = flags;
      const receipt = await service.start(name, {
        from,
        to,
        dryRun,
        reason,
        idempotencyKey,
        startedBy: operator(flags.by),
        ...(flags.set === undefined ? {} : { config }),
      });
      if (!flags.watch || !session.printer.terminal) {
        session.printer.answer(receipt, ({ runId, state, changed }, style) =>
          changed
            ? `${name} is ${styledState(state, style)}, run ${runId}`
            : `${name} was started before with this key: run ${runId} is ${styledState(state, style)}`,
        );
      }
      if (flags.watch) {
        const watch = new Watch(session, flags.interval);
        const [status] = await watch.follow(
          async () => [await service.status(name)],
          ([now]) => ended(now, receipt.runId),
        );
        if (
          status &&
          status.runId === receipt.runId &&
          ended(status, receipt.runId) &&
          status.state !== 'completed'
        ) {
          session.exitWith(EXIT_CODES.runFailed);
        }
      }
    });
}

// A run that paused itself waits for a person: a script that follows it is not to wait with it.
function ended(status: BackfillStatus | undefined, runId: string): boolean {
  return status === undefined || status.runId !== runId || status.state !== 'running';
}
