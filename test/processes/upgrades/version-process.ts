import type { BackfillService } from 'nestjs-backfill';
import type { TestRedis } from '../../support/databases/index.js';
import { RemoteProcess } from '../../support/processes/index.js';
import type { AppPlan } from './app-plan.js';

/** What a process needs to know to open an app. */
export interface ProcessPlan {
  readonly plan: AppPlan;
  readonly databaseUrl: string;
  readonly connection: TestRedis['connection'];
  readonly keyPrefix: string;
}

/** What the tests ask of an app, in whichever process it is. */
export type Operations = Pick<
  BackfillService,
  | 'status'
  | 'start'
  | 'pause'
  | 'resume'
  | 'configure'
  | 'config'
  | 'failures'
  | 'retryFailures'
  | 'runs'
  | 'history'
>;

/** A process of its own with a version of the library, in which an app can be opened, and another after it. */
export class VersionProcess extends RemoteProcess {
  readonly backfills: Operations;

  /** @param folder where a release is installed; without it the apps have the library of this repository */
  constructor(readonly folder?: URL) {
    const loader = folder ? 'register-built.js' : 'register.js';
    super({
      module: new URL('./process-app.ts', import.meta.url),
      execArgv: ['--no-warnings', '--import', new URL(`../../support/swc/${loader}`, import.meta.url).href],
      env: folder ? { BACKFILL_BUILD: folder.href } : {},
    });
    this.backfills = new Proxy({} as Operations, {
      get:
        (_, method: string) =>
        (...args: unknown[]) =>
          this.call(method, ...args),
    });
  }

  open(plan: ProcessPlan): Promise<void> {
    return this.call('open', plan);
  }

  /** Closes the app as SIGTERM would; the process stays for another one. */
  close(): Promise<void> {
    return this.call('close');
  }
}
