import type { Command } from 'commander';
import { parseConfigPatch } from '../../config/parse-config-patch.js';
import type { StartOptions } from '../../state/run-actions.js';
import { isRunning } from '../../state/run-status.js';
import type { BackfillStatus } from '../../status/backfill-status.js';
import type { CliSession } from '../cli-session.js';
import { CliUsageError } from '../cli.error.js';
import { EXIT_CODES } from '../exit-code.js';
import { databaseLines } from '../output/database-lines.js';
import { latenessText } from '../output/lateness-text.js';
import { styledState } from '../output/state-style.js';
import { Watch } from '../output/watch.js';
import { parseAssignments, parseBound, wholeNumber } from '../parse-assignments.js';
import { operatorName } from './operator-name.js';
import { PARAM_HELP, PARAMS_FILE_HELP, paramsOf } from './params-options.js';
import type { ParamsFlags } from '../parse-params.js';

interface StartFlags extends ParamsFlags {
  readonly from?: unknown;
  readonly to?: unknown;
  readonly set?: readonly string[];
  readonly dryRun?: boolean;
  readonly verify?: boolean;
  readonly sweeps?: number;
  readonly sample?: number;
  readonly canary?: number;
  readonly canaryMaxFailures?: number;
  readonly finishBy?: string;
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
    .option(
      '--from <key>',
      'key of the first row, inclusive: an id, text, or JSON of the key columns',
      parseBound,
    )
    .option('--to <key>', 'key of the last row, inclusive', parseBound)
    .option('--set <key=value...>', 'config values to set before the start, such as perSecondOnPeak=4')
    .option('--param <key=value...>', PARAM_HELP)
    .option('--params-file <path>', PARAMS_FILE_HELP)
    .option('--verify', 'verify the run once it is through with its walk')
    .option('--no-verify', 'do not verify the run, although its handler says so')
    .option('--sweeps <count>', 'verify with at most so many sweeps', wholeNumber('--sweeps', 0))
    .option('--sample <rows>', 'verify with a sample of at most so many rows', wholeNumber('--sample', 0))
    .option(
      '--canary <rows>',
      'pause the run after so many rows, with a verdict; resume goes on in it',
      wholeNumber('--canary', 1),
    )
    .option(
      '--canary-max-failures <count>',
      'most failures with which the canary passes (default: 0)',
      wholeNumber('--canary-max-failures', 0),
    )
    .option(
      '--finish-by <time>',
      'ISO time by which the run should end, such as 2030-01-31T18:00:00Z: a warning where it will not',
    )
    .option('--dry-run', 'roll back every transaction')
    .option('--reason <text>', 'reason recorded in the history')
    .option('--by <who>', 'operator recorded in the history (default: the OS user)')
    .option(
      '--idempotency-key <key>',
      'return the run started with this key within a day instead of starting another',
    )
    .option(
      '-w, --watch',
      'show progress until the run ends; exit code 5 unless it completes, or its canary passes',
    )
    .option(
      '--interval <ms>',
      'polling interval of --watch in milliseconds',
      wholeNumber('--interval', 1),
      1000,
    )
    .action(async (name: string, flags: StartFlags) => {
      const config = parseConfigPatch(parseAssignments(flags.set ?? []), {
        backfill: name,
        origin: 'start',
      });
      const service = await session.service();
      const { from, to, dryRun, finishBy, reason, idempotencyKey } = flags;
      const params = await paramsOf(service, name, flags);
      const receipt = await service.start(name, {
        from,
        to,
        dryRun,
        reason,
        idempotencyKey,
        ...verifyOf(flags),
        ...canaryOf(flags),
        startedBy: operatorName(flags.by),
        ...(finishBy === undefined ? {} : { finishBy }),
        ...(params === undefined ? {} : { params }),
        ...(flags.set === undefined ? {} : { config }),
      });
      if (!flags.watch || !session.printer.terminal) {
        session.printer.print(receipt, (started, style) => {
          const { runId, state, changed, late } = started;
          const line = changed
            ? `${name} is ${styledState(state, style)}, run ${runId}`
            : `${name} was already started with this key: run ${runId} is ${styledState(state, style)}`;
          const lateLines = changed && late ? [style('yellow', latenessText(late))] : [];
          return [line, ...lateLines, ...databaseLines(started, style)].join('\n');
        });
      }
      if (flags.watch) {
        const hasEnded = (status: BackfillStatus | undefined) => isEnded(status, receipt.runId);
        const [status] = await new Watch(session, flags.interval).follow(
          async () => [await service.status(name)],
          ([latest]) => hasEnded(latest),
        );
        if (status?.runId === receipt.runId && hasEnded(status) && !isSuccess(status)) {
          session.exitWith(EXIT_CODES.runFailed);
        }
      }
    });
}

function verifyOf({ verify, sweeps, sample }: StartFlags): Pick<StartOptions, 'verify'> {
  if ((sweeps !== undefined || sample !== undefined) && verify !== false) {
    return {
      verify: { ...(sweeps === undefined ? {} : { sweeps }), ...(sample === undefined ? {} : { sample }) },
    };
  }
  return verify === undefined ? {} : { verify };
}

function canaryOf({ canary, canaryMaxFailures }: StartFlags): Pick<StartOptions, 'canary'> {
  if (canary !== undefined) {
    return {
      canary: {
        rows: canary,
        ...(canaryMaxFailures === undefined ? {} : { maxFailures: canaryMaxFailures }),
      },
    };
  }
  if (canaryMaxFailures !== undefined) {
    throw new CliUsageError('Expected --canary <rows> beside --canary-max-failures, got none.');
  }
  return {};
}

/** Whether a script that waits may go on: the run is completed, or it is paused because its canary passed. */
function isSuccess({ state, canary }: BackfillStatus): boolean {
  return state === 'completed' || (state === 'paused' && canary?.state === 'passed');
}

/** Whether the watch is over. A paused run waits for an operator, so a script must not wait for it. */
function isEnded(status: BackfillStatus | undefined, runId: string): boolean {
  return status === undefined || status.runId !== runId || !isRunning(status.state);
}
