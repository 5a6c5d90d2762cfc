import type { BackfillStatus } from 'nestjs-backfill';
import { eventually } from '../../support/apps/eventually.js';
import { startBackfillApp, type BackfillApp } from '../../support/apps/backfill-app.js';
import {
  createTestDatabase,
  createTestRedis,
  type TestDatabase,
  type TestRedis,
} from '../../support/databases/index.js';
import { entitiesOf, ledgerSql, optionsOf, PRESSURE_TABLE, type AppPlan } from './app-plan.js';
import { handlersOf, NAMES, ROWS, type Name } from './backfills.js';
import { unpack, type UnpackedRelease } from './releases.js';
import { refillSql } from './rows.entity.js';
import { VersionProcess, type Operations } from './version-process.js';

type Plan = Omit<AppPlan, 'version'>;

const OVER_MS = 60_000;

/** How many rows each sequence of versions handled. */
export type Handled = Partial<
  Record<'' | 'release' | 'current' | 'release current' | 'current release', number>
>;

/** A database, a Redis and apps of two versions that share them. */
export class UpgradeBench {
  database!: TestDatabase;
  redis!: TestRedis;
  private unpacked!: UnpackedRelease;
  /** Processes with an app, and those that wait for one: most of what a process takes is its start. */
  private readonly busy: VersionProcess[] = [];
  private readonly idle: VersionProcess[] = [];
  private readonly apps: BackfillApp[] = [];
  private test = 0;

  constructor(tarball: string) {
    beforeAll(async () => {
      [this.database, this.redis, this.unpacked] = await Promise.all([
        createTestDatabase(),
        createTestRedis(),
        unpack(tarball),
      ]);
      await this.database.query(PRESSURE_TABLE);
    });
    beforeEach(async () => {
      this.test++;
      await this.database.query(NAMES.map((name) => refillSql(name, ROWS)).join(';'));
    });
    afterEach(async () => {
      await Promise.all([
        ...this.apps.splice(0).map((app) => app.close()),
        // Those of a test that failed.
        ...this.busy.splice(0).map((process) => !process.gone && process.kill()),
      ]);
    });
    afterAll(async () => {
      await Promise.all(this.idle.map((process) => process.stop()));
      await this.unpacked.remove();
    });
  }

  /** Opens an app with the release in a process of its own. */
  release(plan: Plan = {}): Promise<VersionProcess> {
    return this.open({ ...plan, version: 'release' }, this.unpacked.folder);
  }

  /** The same with this version, to be killed. */
  currentProcess(plan: Plan = {}): Promise<VersionProcess> {
    return this.open({ ...plan, version: 'current' });
  }

  /** Ends the app of a process in order. */
  async close(process: VersionProcess): Promise<void> {
    await process.close();
    this.busy.splice(this.busy.indexOf(process), 1);
    this.idle.push(process);
  }

  /** Opens an app with this version here. */
  async current(plan: Plan = {}, onCall?: (name: Name) => void): Promise<BackfillApp> {
    const own: AppPlan = { ...plan, version: 'current' };
    if (plan.ledger) {
      await this.database.query(await ledgerSql());
    }
    const app = await startBackfillApp({
      database: this.database,
      redis: this.redis,
      entities: entitiesOf(own),
      handlers: handlersOf(own, onCall),
      options: optionsOf(own, this.keyPrefix),
    });
    this.apps.push(app);
    return app;
  }

  /**
   * What the rows say.
   *
   * @param once takes what one version did to a row twice in a row for once
   */
  async handled(name: Name, once = false): Promise<Handled> {
    const by = once ? `regexp_replace(handled_by, '(\\w+ )\\1+', '\\1', 'g')` : 'handled_by';
    const rows = await this.database.query<{ by: string; rows: number }>(
      `SELECT trim(${by}) AS by, count(*)::int AS rows FROM ${name} GROUP BY 1`,
    );
    return Object.fromEntries(rows.map(({ by, rows }) => [by, rows]));
  }

  async handledByAll(): Promise<Record<Name, Handled>> {
    const handled: Partial<Record<Name, Handled>> = {};
    for (const name of NAMES) {
      handled[name] = await this.handled(name);
    }
    return handled as Record<Name, Handled>;
  }

  /** Waits until so many rows of each backfill are written by a version. */
  async writtenBy(version: AppPlan['version'], rows: (name: Name) => number): Promise<void> {
    for (const name of NAMES) {
      await eventually(
        `${name}: ${rows(name)} rows to be written`,
        () => this.handled(name, true),
        ({ [version]: written }) => written === rows(name),
        OVER_MS,
      );
    }
  }

  /** Waits until each backfill has rows of both versions. */
  async handledByBoth(): Promise<void> {
    for (const name of NAMES) {
      await eventually(
        `${name}: both versions to handle rows`,
        () => this.handled(name),
        ({ release = 0, current = 0 }) => release > 0 && current > 0,
        OVER_MS,
      );
    }
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
          OVER_MS,
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
