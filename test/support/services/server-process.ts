import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CONDITION_MS } from '../deadlines.js';
import type { Account } from './account.js';
import type { GuardedFolder } from './guarded-folder.js';

export interface ServerCommand {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly account?: Account;
  /** Resolves to true once the server answers. */
  readonly isReady: () => Promise<boolean>;
}

/** A server that can be ended and started again in the same folder. */
export class ServerProcess {
  private child: ChildProcess | undefined;

  constructor(
    private readonly folder: GuardedFolder,
    private readonly command: ServerCommand,
  ) {}

  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined || !this.running) {
      throw new Error(`Expected ${this.command.name} to run, got a stopped server: call restart() first`);
    }
    return pid;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  async start(): Promise<void> {
    const { name, binary, args, env, account, isReady } = this.command;
    const log = openSync(this.logFile, 'a');
    // The shell leaves its own process id, which exec keeps: at no moment does a server run unknown.
    const child = spawn(
      '/bin/sh',
      ['-c', 'echo $$ > "$0"; exec "$@"', this.folder.pidFile, binary, ...args],
      {
        cwd: this.folder.path,
        detached: true,
        stdio: ['ignore', log, log],
        env: env ?? process.env,
        ...account,
      },
    );
    closeSync(log);
    this.child = child;
    child.unref();
    child.once('exit', () => rmSync(this.folder.pidFile, { force: true }));
    child.once('error', () => {});

    const deadline = Date.now() + CONDITION_MS;
    while (!(await isReady())) {
      if (!this.running || child.pid === undefined) {
        throw new Error(`Expected ${name} to start, got an exit:\n${this.logTail()}`);
      }
      if (Date.now() > deadline) {
        throw new Error(`Expected ${name} to answer within ${CONDITION_MS} ms:\n${this.logTail()}`);
      }
      await sleep(20);
    }
    if (!this.running) {
      // Somebody else's server answered on our port.
      throw new Error(`Expected ${name} to keep running, got an exit:\n${this.logTail()}`);
    }
  }

  /** Signals the server, and then the processes that it started: PostgreSQL has one for each connection. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(this.pid, signal);
    for (const child of await childrenOf(this.pid)) {
      try {
        process.kill(child, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** Sends a signal that ends the server and waits for its end. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.running || !this.child) {
      return;
    }
    this.child.ref();
    const gone = once(this.child, 'exit');
    process.kill(this.pid, signal);
    await gone;
  }

  private get logFile(): string {
    return join(this.folder.path, 'server.log');
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').split('\n').slice(-30).join('\n');
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
}

/** Starts a server on a free port, and on another one when somebody was faster. */
export async function startOnFreePort<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) {
        throw error;
      }
    }
  }
}
