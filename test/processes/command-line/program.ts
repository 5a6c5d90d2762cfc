import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { spawn as spawnTerminal } from '@lydell/node-pty';
import type { IPty } from '@lydell/node-pty';

const root = join(import.meta.dirname, '../../..');
const APP = 'test/integration/cli/app/app.module.ts#AppModule';

/** Runs the command line as a program: a child process that boots an app for each command. */
export class CommandLineProgram {
  private readonly env: Record<string, string>;

  constructor(services: { DATABASE_URL: string; REDIS_URL: string }) {
    const { NODE_OPTIONS: _jest, NO_COLOR: _color, FORCE_COLOR: _force, ...inherited } = process.env;
    this.env = { ...(inherited as Record<string, string>), ...services, TERM: 'xterm-256color' };
  }

  /** Runs a command with pipes, as a script does. */
  async piped(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, this.args(words), {
      cwd: root,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  }

  /** Runs a command on a pseudo terminal. `onOutput` receives the output so far and may write input. */
  async terminal(
    words: string[],
    onOutput?: (screen: string, terminal: IPty) => void,
    variables: Record<string, string> = {},
  ): Promise<{ code: number; screen: string }> {
    const terminal = spawnTerminal(process.execPath, this.args(words), {
      cwd: root,
      env: { ...this.env, ...variables },
      cols: 120,
      rows: 40,
    });
    let screen = '';
    terminal.onData((chunk) => {
      screen += chunk;
      onOutput?.(screen, terminal);
    });
    const code = await new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
    return { code, screen };
  }

  private args(words: readonly string[]): string[] {
    return ['--import', './test/support/swc/register.js', 'lib/cli/main.ts', '--app', APP, ...words];
  }
}
