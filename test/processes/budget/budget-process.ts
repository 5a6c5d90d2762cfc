import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BackfillModuleOptions } from 'nestjs-backfill';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { eventually } from '../../support/apps/index.js';

export interface BudgetSettings extends Pick<BackfillAppSetup, 'database' | 'redis'> {
  readonly options: BackfillModuleOptions;
  /** Of the backfills `run-0`, `run-1` and so on. */
  readonly weights: readonly number[];
  /** How long a range takes. */
  readonly rangeMs: number;
}

/** A range that began. */
export interface Begun {
  /** Number of its backfill. */
  readonly run: number;
  /** Epoch ms. */
  readonly at: number;
}

export interface BudgetProcess {
  readonly begun: readonly Begun[];
  readonly signal: (name: NodeJS.Signals) => void;
  readonly gone: Promise<unknown>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Starts an app in a process of its own and waits until it is up. */
export async function startBudgetProcess(settings: BudgetSettings): Promise<BudgetProcess> {
  const given = {
    ...settings,
    database: { url: settings.database.url },
    redis: { connection: settings.redis.connection },
  };
  const words = ['--import', path('../../support/swc/register.js'), path('./budget-app.ts')];
  const child = spawn(process.execPath, [...words, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const begun: Begun[] = [];
  let isReady = false;
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Partial<Begun> & { ready?: number };
    if (line.run !== undefined && line.at !== undefined) {
      begun.push({ run: line.run, at: line.at });
    } else {
      isReady = true;
    }
  });
  const gone = once(child, 'exit');
  await eventually(
    'the process to be up',
    () => isReady || child.exitCode !== null,
    (answer) => answer,
  );
  if (child.exitCode !== null) {
    throw new Error(`Expected the process to stay up, got its end with code ${child.exitCode}`);
  }
  return { begun, signal: (name) => void child.kill(name), gone };
}
