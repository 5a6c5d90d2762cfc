import { Writable } from 'node:stream';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { runCommandLine } from 'nestjs-backfill/cli';
import type { ExitCode } from 'nestjs-backfill/cli';
import { bootApp } from '../../../lib/cli/app/boot-app.js';
import { WORKERS_VARIABLE } from '../../../lib/config/module-options.js';

/** What a test may do with a command that runs. */
export interface RunningCommand {
  /** Does what Ctrl-C does. */
  interrupt(): void;
}

/** A stream that keeps what is written to it, and claims to be a terminal or a pipe. */
class Output extends Writable {
  readonly columns = 120;
  text = '';

  constructor(
    readonly isTTY: boolean,
    private readonly onText: (text: string) => void = () => undefined,
  ) {
    super({ decodeStrings: false });
  }

  override _write(chunk: string, _encoding: BufferEncoding, written: () => void): void {
    this.text += chunk;
    this.onText(this.text);
    written();
  }
}

/**
 * Runs commands of the command line in this process, on an app that is booted once. The tests in
 * `test/processes/command-line` run it as a program, which boots an app for each command.
 */
export class CommandLine {
  constructor(private readonly app: INestApplicationContext) {}

  /** Runs a command with pipes, as a script does. */
  async piped(...words: string[]): Promise<{ code: ExitCode; out: string; err: string }> {
    const [stdout, stderr] = [new Output(false), new Output(false)];
    const app = words.includes('--app') ? {} : { app: this.app };
    const code = await runCommandLine(words, { ...app, stdout, stderr });
    return { code, out: stdout.text, err: stderr.text };
  }

  /** Runs a command on a terminal. `onOutput` receives the output so far. */
  async terminal(
    words: string[],
    onOutput?: (screen: string, command: RunningCommand) => void,
    variables: NodeJS.ProcessEnv = {},
  ): Promise<{ code: ExitCode; screen: string }> {
    const interrupt = new AbortController();
    let screen = '';
    const output = () => {
      let seen = 0;
      return new Output(true, (text) => {
        screen += text.slice(seen);
        seen = text.length;
        onOutput?.(screen, { interrupt: () => interrupt.abort() });
      });
    };
    const code = await withVariables({ NO_COLOR: undefined, TERM: 'xterm-256color', ...variables }, () =>
      runCommandLine(words, {
        app: this.app,
        stdout: output(),
        stderr: output(),
        signal: interrupt.signal,
      }),
    );
    return { code, screen };
  }
}

/** Boots the app of these tests, as the command line does (`operator`) or with its workers. */
export async function startApp(
  services: { DATABASE_URL: string; REDIS_URL: string },
  as: 'operator' | 'worker',
): Promise<INestApplicationContext> {
  // The module reads the first two where it is imported. `bootApp` leaves the last one behind.
  return withVariables({ ...services, [WORKERS_VARIABLE]: undefined }, async () => {
    const { AppModule } = await import('./app/app.module.js');
    return as === 'operator'
      ? bootApp(AppModule, false)
      : NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  });
}

/** Calls a function with other environment variables; `undefined` removes one. */
async function withVariables<T>(variables: NodeJS.ProcessEnv, work: () => Promise<T>): Promise<T> {
  const saved = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  setVariables(variables);
  try {
    return await work();
  } finally {
    setVariables(saved);
  }
}

function setVariables(variables: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
