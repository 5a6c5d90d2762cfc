import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BackfillModuleOptions } from 'nestjs-backfill';
import type { BackfillAppSetup } from '../../support/apps/index.js';
import { eventually } from '../../support/apps/index.js';
import { CONDITION_MS } from '../../support/deadlines.js';
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

/** Starts an app in a process of its own, which ends with this one. `module` is `budget-app.ts`, bundled. */
export function startBudgetProcess(module: URL, settings: BudgetSettings): BudgetProcess {
  const given = {
    ...settings,
    database: { url: settings.database.url },
    redis: { connection: settings.redis.connection },
  };
  const child = spawn(process.execPath, ['--no-warnings', fileURLToPath(module), JSON.stringify(given)], {
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
      // Four of them begin at once, on a machine that may be busy with something else.
      2 * CONDITION_MS,
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
