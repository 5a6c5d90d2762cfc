import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackfillModuleOptions } from 'nestjs-backfill';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { eventually } from '../../support/apps/index.js';
import type { BudgetedRun } from './handlers.js';

export interface BudgetSettings extends Pick<BackfillAppSetup, 'database' | 'redis'> {
  readonly options: BackfillModuleOptions;
  readonly runs: readonly BudgetedRun[];
  /** How long a range takes. */
  readonly rangeMs: number;
}

export interface BudgetProcess {
  readonly pid: number | undefined;
  /** Waits until the app is up. */
  readonly isUp: () => Promise<void>;
  readonly signal: (name: NodeJS.Signals) => void;
  readonly gone: Promise<unknown>;
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Starts an app in a process of its own, which ends with this one. */
export function startBudgetProcess(settings: BudgetSettings): BudgetProcess {
  const given = {
    ...settings,
    database: { url: settings.database.url },
    redis: { connection: settings.redis.connection },
  };
  const words = ['--import', path('../../support/swc/register.js'), path('./budget-app.ts')];
  const child = spawn(process.execPath, [...words, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let isReady = false;
  child.stdout?.once('data', () => {
    isReady = true;
  });
  const isUp = async () => {
    await eventually(
      'the process to be up',
      () => isReady || child.exitCode !== null,
      (answer) => answer,
    );
    if (child.exitCode !== null) {
      throw new Error(`Expected the process to stay up, got its end with code ${child.exitCode}`);
    }
  };
  return {
    pid: child.pid,
    signal: (name) => void child.kill(name),
    gone: once(child, 'exit'),
    isUp,
  };
}
