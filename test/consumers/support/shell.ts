import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What a command of an app answered. */
export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

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
    // A command that never ends, as one that leaves a connection open, is a failure and not a wait.
    timeout: 180_000,
  });
  const [out, err] = [child.stdout, child.stderr].map(collect);
  const [code] = (await once(child, 'close')) as [number | null];
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

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
