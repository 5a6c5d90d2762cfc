import { once } from 'node:events';
import type { INestApplicationContext } from '@nestjs/common';
import { Command, CommanderError } from 'commander';
import { BackfillService } from '../backfill.service.js';
import { BackfillError } from '../errors/backfill-error.js';
import { bootApp } from './app/boot-app.js';
import { loadModule } from './app/load-module.js';
import { locateApp } from './app/locate-app.js';
import type { AppRequest } from './app/locate-app.js';
import type { CliSession } from './cli-session.js';
import { addConfigCommand } from './commands/config.command.js';
import { addDoctorCommand } from './commands/doctor.command.js';
import { addFailureCommands } from './commands/failures.command.js';
import { addListCommand } from './commands/list.command.js';
import { addMoveCommands } from './commands/move.commands.js';
import { addPreviewCommand } from './commands/preview.command.js';
import { addRunsCommand } from './commands/runs.command.js';
import { addStartCommand } from './commands/start.command.js';
import { addStatusCommand } from './commands/status.command.js';
import { EXIT_CODES } from './exit-code.js';
import type { ExitCode } from './exit-code.js';
import { exitCodeOf } from './exit-code-of.js';
import { Printer } from './output/printer.js';
import { styleFor } from './output/style.js';

/**
 * Where the command line runs.
 *
 * @publicApi
 */
export interface CommandLineOptions {
  /** A running app to use; it is not closed. Default: the built app is found, booted and closed again. */
  readonly app?: INestApplicationContext;
  /** Answers go here. Default `process.stdout`. */
  readonly stdout?: NodeJS.WritableStream;
  /** Errors go here. Default `process.stderr`. */
  readonly stderr?: NodeJS.WritableStream;
  /** Aborted to leave a watch, as Ctrl-C does. */
  readonly signal?: AbortSignal;
}

interface GlobalFlags extends AppRequest {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
Exit codes: 0 done, 1 unexpected, 2 wrong usage, 3 no such backfill or run, 4 not possible in this state,
5 a watched run failed, paused or was cancelled, 6 doctor found a problem, 130 watch left with Ctrl-C.`;

/**
 * Runs one command, such as `['pause', 'reencrypt-messages']`, and answers the exit code. Never throws for
 * what a user can cause: the error goes to `stderr`.
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
  const program = new Command('nestjs-backfill');
  const flags = () => program.opts<GlobalFlags>();

  const session: CliSession = {
    get printer() {
      return (printer ??= new Printer(stdout, process.env, flags().json === true));
    },
    signal: interrupt.signal,
    app: async () => options.app ?? (booted ??= boot(flags())),
    service: async () => (await session.app()).get(BackfillService, { strict: false }),
    exitWith: (wanted) => {
      code = wanted;
    },
  };
  let printer: Printer | undefined;
  build(program, session, stdout, stderr);
  if (options.app === undefined) {
    process.once('SIGINT', abort).once('SIGTERM', abort);
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      code = error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
    } else {
      code = exitCodeOf(error);
      await report(error, flags(), stderr);
    }
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort);
    options.signal?.removeEventListener('abort', abort);
    // What did not boot has said so already.
    await booted?.then(
      (app) => app.close(),
      () => undefined,
    );
  }
  return code;
}

function build(
  program: Command,
  session: CliSession,
  stdout: NodeJS.WritableStream,
  stderr: NodeJS.WritableStream,
): void {
  program
    .description('Operates the backfills of a Nest app.')
    .option('--app <file#Module>', 'the built module, such as dist/app.module.js#AppModule')
    .option('--project <name>', 'a project of nest-cli.json')
    .option('--json', 'one JSON value a line, for scripts')
    .option('--verbose', 'what the app logs while it boots')
    .addHelpText('after', HELP)
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)');
  addListCommand(program, session);
  addStatusCommand(program, session);
  addStartCommand(program, session);
  addMoveCommands(program, session);
  addConfigCommand(program, session);
  addPreviewCommand(program, session);
  addFailureCommands(program, session);
  addRunsCommand(program, session);
  addDoctorCommand(program, session);
}

async function boot({ app, project, verbose }: GlobalFlags): Promise<INestApplicationContext> {
  return bootApp(await loadModule(locateApp(process.cwd(), { app, project })), verbose === true);
}

async function report(
  error: unknown,
  { json, verbose }: GlobalFlags,
  stderr: NodeJS.WritableStream,
): Promise<void> {
  const known = error instanceof BackfillError;
  const message = error instanceof Error ? error.message : String(error);
  const detail = error instanceof Error && (verbose || !known) ? (error.stack ?? message) : message;
  const text = json
    ? JSON.stringify({ error: { code: known ? error.code : 'UNEXPECTED', message } })
    : `${styleFor(stderr, process.env)('red', 'error:')} ${detail}`;
  if (!stderr.write(`${text}\n`)) {
    await once(stderr, 'drain');
  }
}
