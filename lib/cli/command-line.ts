import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { Command, CommanderError } from 'commander';
import { BackfillService } from '../backfill.service.js';
import { endsWithin } from '../async/timeout.js';
import { isUnreachable } from '../database/classify-error.js';
import { BackfillError } from '../errors/backfill-error.js';
import { bootApp } from './app/boot-app.js';
import { loadModule } from './app/load-module.js';
import { locateApp } from './app/locate-app.js';
import type { AppRequest } from './app/locate-app.js';
import { OutageWatch } from './app/outage-watch.js';
import { CliOutageError } from './cli.error.js';
import type { CliSession } from './cli-session.js';
import { commandMessage } from './command-message.js';
import { addBudgetCommand } from './commands/budget.command.js';
import { addConfigCommand } from './commands/config.command.js';
import { addDoctorCommand } from './commands/doctor.command.js';
import { addFailureCommands } from './commands/failures.command.js';
import { addHistoryCommand } from './commands/history.command.js';
import { addHoldCommands } from './commands/hold.commands.js';
import { addListCommand } from './commands/list.command.js';
import { addOverrideCommand } from './commands/override.command.js';
import { addPreviewCommand } from './commands/preview.command.js';
import { addRehearseCommand } from './commands/rehearse.command.js';
import { addRunsCommand } from './commands/runs.command.js';
import { addStartCommand } from './commands/start.command.js';
import { addStatusCommand } from './commands/status.command.js';
import { addTransitionCommands } from './commands/transition.commands.js';
import { addUndoCommands } from './commands/undo.commands.js';
import { EXIT_CODES, exitCodeOf } from './exit-code.js';
import type { ExitCode } from './exit-code.js';
import { Printer } from './output/printer.js';
import { styleFor } from './output/style.js';
import { wholeNumber } from './parse-assignments.js';

/**
 * Options of {@link runCommandLine}.
 *
 * @publicApi
 */
export interface CommandLineOptions {
  /**
   * A running app to operate on. It is not closed, and `--app` and `--project` are ignored. Default: the
   * built app in the working directory, booted without workers on first use and closed at the end.
   */
  readonly app?: INestApplicationContext;
  /** Stream for output. Default `process.stdout`. */
  readonly stdout?: NodeJS.WritableStream;
  /** Stream for errors. Default `process.stderr`. */
  readonly stderr?: NodeJS.WritableStream;
  /**
   * Stops `--watch` when aborted, with exit code 130; the run continues. Without `app`, SIGINT and SIGTERM do
   * the same.
   */
  readonly signal?: AbortSignal;
}

/** Longest that the app may take to start. Modules of its own may wait for a server without limit. */
const BOOT_MS = 60_000;
/** Longest that a command which is given up waits for the app to close. */
const CLOSE_MS = 2_000;

interface GlobalFlags extends AppRequest {
  readonly timeout: number;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const EXIT_CODE_HELP = `
Exit codes: 0 success, 1 unexpected error or unknown id or group to retry, 2 usage error, 3 backfill or run not found,
4 not allowed in the current state, 5 a watched run failed, paused or was cancelled, 6 doctor found a problem,
130 watch stopped with Ctrl-C.`;

/**
 * Runs one command of the command line, such as `['pause', 'reencrypt-messages']`. Errors are written to
 * `stderr` and reflected in the exit code; the returned promise does not reject for them.
 *
 * @param args arguments without the executable, as in `process.argv.slice(2)`
 * @returns the exit code, one of {@link EXIT_CODES}; `process.exitCode` is not set
 *
 * @example
 * ```ts
 * const code = await runCommandLine(['status', '--json'], { app });
 * ```
 *
 * @publicApi
 */
export async function runCommandLine(
  args: readonly string[],
  options: CommandLineOptions = {},
): Promise<ExitCode> {
  const { stdout = process.stdout, stderr = process.stderr } = options;
  const interrupt = new AbortController();
  const abort = () => interrupt.abort();
  options.signal?.addEventListener('abort', abort);
  let code: ExitCode = EXIT_CODES.ok;
  let booted: Promise<INestApplicationContext> | undefined;
  const outages = new OutageWatch();
  let giveUp: (error: CliOutageError) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const watched = (app: INestApplicationContext) => {
    void outages.outage(app, flags().timeout).then(
      (problem) => giveUp(new CliOutageError(problem)),
      // An app without the module has nothing to watch; the command says so.
      () => undefined,
    );
    return app;
  };
  let isGivenUp = false;
  let printer: Printer | undefined;
  const program = new Command('nestjs-backfill');
  const flags = () => program.opts<GlobalFlags>();
  const session: CliSession = {
    get printer() {
      return (printer ??= new Printer(stdout, process.env, flags().json === true));
    },
    signal: interrupt.signal,
    get timeoutMs() {
      return flags().timeout;
    },
    ignoreOutages: () => outages.stop(),
    app: async () => {
      if (options.app) {
        return watched(options.app);
      }
      booted ??= boot(flags());
      if (!(await endsWithin(booted, BOOT_MS))) {
        throw new CliOutageError(`The app has not started within ${BOOT_MS / 1000} s`);
      }
      return watched(await booted);
    },
    service: async () => (await session.app()).get(BackfillService, { strict: false }),
    exitWith: (exitCode) => {
      code = exitCode;
    },
  };
  configure(program, session, stdout, stderr);
  if (options.app === undefined) {
    process.once('SIGINT', abort).once('SIGTERM', abort);
  }
  try {
    await Promise.race([program.parseAsync([...args], { from: 'user' }), givenUp]);
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    } else {
      code = exitCodeOf(error);
      isGivenUp = error instanceof CliOutageError;
      await report(error, flags(), stderr);
    }
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
    options.signal?.removeEventListener('abort', abort);
    outages.stop();
    const closed = closeBooted(booted);
    await (isGivenUp ? endsWithin(closed, CLOSE_MS) : closed);
  }
  return code;
}

function configure(
  program: Command,
  session: CliSession,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): void {
  program
    .description('Operates the backfills of a Nest app.')
    .option('--app <file#Module>', 'built root module of the app, such as dist/app.module.js#AppModule')
    .option('--project <name>', 'project in nest-cli.json')
    .option(
      '--timeout <ms>',
      'give up when Redis or the database has not answered for so long',
      wholeNumber('--timeout', 1),
      5000,
    )
    .option('--json', 'print one JSON value per line')
    .option('--verbose', 'print the logs of the app and the stacks of errors')
    .addHelpText('after', EXIT_CODE_HELP)
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(use --help for usage)');
  addListCommand(program, session);
  addStatusCommand(program, session);
  addStartCommand(program, session);
  addTransitionCommands(program, session);
  addHoldCommands(program, session);
  addOverrideCommand(program, session);
  addConfigCommand(program, session);
  addBudgetCommand(program, session);
  addPreviewCommand(program, session);
  addRehearseCommand(program, session);
  addFailureCommands(program, session);
  addUndoCommands(program, session);
  addRunsCommand(program, session);
  addHistoryCommand(program, session);
  addDoctorCommand(program, session);
}

async function boot({ app, project, verbose }: GlobalFlags): Promise<INestApplicationContext> {
  return bootApp(await loadModule(locateApp(process.cwd(), { app, project })), verbose === true);
}

/** A failure of the start has been reported. */
async function closeBooted(booted: Promise<INestApplicationContext> | undefined): Promise<void> {
  const app = await booted?.catch(() => undefined);
  await app?.close();
}

async function report(
  error: unknown,
  { json, verbose }: GlobalFlags,
  stderr: NodeJS.WritableStream,
): Promise<void> {
  const isOutage = isUnreachable(error);
  const reason = error instanceof Error ? commandMessage(error) : String(error);
  const isOwn = error instanceof BackfillError;
  const message = isOutage && !isOwn ? `The database cannot be reached: ${reason}` : reason;
  const detail =
    error instanceof Error && (verbose || !(isOwn || isOutage)) ? (error.stack ?? message) : message;
  const text = json
    ? JSON.stringify({ error: { code: isOwn ? error.code : 'UNEXPECTED', message } })
    : `${styleFor(stderr, process.env)('red', 'error:')} ${detail}`;
  if (!stderr.write(`${text}\n`)) {
    await once(stderr, 'drain');
  }
}
