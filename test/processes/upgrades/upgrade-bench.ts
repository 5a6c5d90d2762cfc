import type { BackfillStatus } from 'nestjs-backfill';
import { eventually } from '../../support/apps/eventually.js';
import { startBackfillApp, type BackfillApp } from '../../support/apps/backfill-app.js';
import type { InstalledBuild } from '../../support/builds/index.js';
import {
  createTestDatabase,
  createTestRedis,
  type TestDatabase,
  type TestRedis,
} from '../../support/databases/index.js';
import {
  databasesOf,
  entitiesOf,
  journalSql,
  ledgerSql,
  optionsOf,
  PRESSURE_TABLE,
  type AppPlan,
} from './app-plan.js';
import { handlersOf, HELD_TABLE, NAMES, ROWS, type Name } from './backfills.js';
import { HandledRows } from './handled-rows.js';
import { installRelease } from './releases.js';
import { refillSql } from './rows.entity.js';
import { VersionProcess, type Operations } from './version-process.js';

type Plan = Omit<AppPlan, 'version'>;

/** A database, a Redis and apps of two versions that share them. */
export class UpgradeBench {
  database!: TestDatabase;
  redis!: TestRedis;
  readonly handled = new HandledRows(() => this.database);
  private installed: InstalledBuild | undefined;
  /** Processes with an open app. */
  private readonly busy: VersionProcess[] = [];
  /** Processes whose app was closed. They are used again: to start one takes most of the time of a test. */
  private readonly idle: VersionProcess[] = [];
  private readonly apps: BackfillApp[] = [];
  private test = 0;

  constructor(tarball: string) {
    beforeAll(async () => {
      [this.database, this.redis, this.installed] = await Promise.all([
        createTestDatabase(),
        createTestRedis(),
        installRelease(tarball),
      ]);
      await this.database.query(`${PRESSURE_TABLE};${HELD_TABLE}`);
    });
    beforeEach(async () => {
      this.test++;
      await this.database.query(`TRUNCATE held;${NAMES.map((name) => refillSql(name, ROWS)).join(';')}`);
    });
    afterEach(async () => {
      await Promise.all([
        ...this.apps.splice(0).map((app) => app.close()),
        // Left open by a test that failed.
        ...this.busy.splice(0).map((process) => !process.gone && process.kill()),
      ]);
    });
    afterAll(async () => {
      await Promise.all(this.idle.map((process) => process.stop()));
      await this.installed?.remove();
    });
  }

  /** Opens an app with the release in a process of its own. */
  release(plan: Plan = {}): Promise<VersionProcess> {
    return this.open({ ...plan, version: 'release' }, this.installed?.folder);
  }

  /** Opens an app with this version in a process of its own, which can be killed. */
  currentProcess(plan: Plan = {}): Promise<VersionProcess> {
    return this.open({ ...plan, version: 'current' });
  }

  /** Closes the app of a process as SIGTERM would. */
  async close(process: VersionProcess): Promise<void> {
    await process.close();
    this.busy.splice(this.busy.indexOf(process), 1);
    this.idle.push(process);
  }

  /** Opens an app with this version in the process of the tests. */
  async current(plan: Plan = {}, onCall?: (name: Name) => void): Promise<BackfillApp> {
    const own: AppPlan = { ...plan, version: 'current' };
    if (plan.ledger) {
      await this.database.query(await ledgerSql());
    }
    if (plan.undo) {
      await this.database.query(await journalSql());
    }
    const app = await startBackfillApp({
      database: this.database,
      redis: this.redis,
      entities: entitiesOf(own),
      handlers: handlersOf(own, onCall),
      options: optionsOf(own, this.keyPrefix),
      imports: databasesOf(own),
    });
    this.apps.push(app);
    return app;
  }

  /** Waits until the status of each backfill is as wanted. */
  async until(
    backfills: Operations,
    what: string,
    wanted: (status: BackfillStatus, name: Name) => boolean,
    names: readonly Name[] = NAMES,
  ): Promise<BackfillStatus[]> {
    return Promise.all(
      names.map((name) =>
        eventually(
          `${name}: ${what}`,
          () => backfills.status(name),
          (status) => wanted(status, name),
        ),
      ),
    );
  }

  private get keyPrefix(): string {
    return `${this.redis.prefix}-${this.test}`;
  }

  private async open(plan: AppPlan, folder?: URL): Promise<VersionProcess> {
    const waiting = this.idle.findIndex((process) => process.folder === folder);
    const [process = new VersionProcess(folder)] = waiting < 0 ? [] : this.idle.splice(waiting, 1);
    this.busy.push(process);
    await process.ready;
    await process.open({
      plan,
      databaseUrl: this.database.url,
      connection: this.redis.connection,
      keyPrefix: this.keyPrefix,
    });
    return process;
  }
}
