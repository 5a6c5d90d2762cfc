import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BackfillModuleOptions, ConcurrencySetting } from 'nestjs-backfill';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { eventually } from '../../support/apps/index.js';

export interface ProcessSettings extends Pick<BackfillAppSetup, 'database' | 'redis'> {
  readonly options: BackfillModuleOptions;
  readonly ranges: number;
  /** How long a range takes. */
  readonly rangeMs: number;
  /** Whether handlers ignore their signal. */
  readonly stubborn?: boolean;
  /** The range whose handler blocks the event loop for two minutes. Default: none does. */
  readonly blockedBy?: number;
  /** Ranges at once. Default 4. */
  readonly concurrency?: ConcurrencySetting;
  /** Version of the handler, which holds on another one. Default: none. */
  readonly version?: string;
}

/** What a process tells. */
export interface ProcessLine {
  readonly ready?: string;
  readonly began?: number;
  readonly at?: number;
  readonly aborted?: number;
  readonly reason?: string;
}

export interface AppProcess {
  readonly pid: number;
  readonly lines: readonly ProcessLine[];
  /** Ranges that its handlers began, in order. */
  readonly began: () => number[];
  readonly signal: (name: NodeJS.Signals) => void;
  /** Exit code and signal. */
  readonly gone: Promise<[number | null, NodeJS.Signals | null]>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Starts an app in a process of its own and waits until it is up. */
export async function startAppProcess(settings: ProcessSettings): Promise<AppProcess> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      path('../../support/swc/register.js'),
      path('./process-app.ts'),
      JSON.stringify({
        ...settings,
        database: { url: settings.database.url },
        redis: { connection: settings.redis.connection },
      }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: ProcessLine[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line) as ProcessLine));
  const gone = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await eventually(
    'the process to be up',
    () => lines.some(({ ready }) => ready !== undefined) || child.exitCode !== null,
    (answer) => answer,
  );
  if (child.exitCode !== null) {
    throw new Error(`Expected the process to stay up, got its end with code ${child.exitCode}`);
  }
  return {
    pid: child.pid ?? -1,
    lines,
    began: () => lines.flatMap(({ began }) => (began === undefined ? [] : [began])),
    signal: (name) => void child.kill(name),
    gone,
  };
}
