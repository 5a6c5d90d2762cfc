import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What a command of an app answered. */
export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that never ends, as one that leaves a connection open, is a failure and not a wait. */
const LONGEST_MS = 900_000;

/** Runs a command to its end, without a terminal. */
export async function attempt(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
) {
  const { NODE_OPTIONS: _ours, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited, NO_COLOR: '1', NODE_ENV: 'test', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, as npx and npm have children that would outlive them.
    detached: true,
  });
  const late = setTimeout(() => killGroup(child), LONGEST_MS);
  const [out, err] = [child.stdout, child.stderr].map(collect);
  const [code] = (await once(child, 'close').finally(() => clearTimeout(late))) as [number | null];
  return { code, out: out?.() ?? '', err: err?.() ?? '' } satisfies Answer;
}

/** Runs a command that has to succeed, and answers what it wrote to stdout. */
export async function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
) {
  const { code, out, err } = await attempt(cwd, command, args, env);
  if (code !== 0) {
    throw new Error(
      `Expected ${command} ${args.join(' ')} to succeed, got exit code ${code}:\n${out}\n${err}`,
    );
  }
  return out;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) {
    process.kill(-pid, 'SIGKILL');
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
