import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import * as library from 'nestjs-backfill';
import type { BackfillModuleOptions, BackfillThrottle } from 'nestjs-backfill';
import type { HandlerPlan } from './backfills.js';
import { tables } from './rows.entity.js';

/** How an app is set up; passed to other processes as JSON. */
export interface AppPlan extends HandlerPlan {
  readonly workers?: boolean;
  readonly lockDuration?: number;
  readonly ledger?: boolean;
  /** Whether the runs are slowed down by what the table `pressure` says. */
  readonly throttled?: boolean;
}

export const PRESSURE_TABLE = 'CREATE TABLE pressure (pressure float NOT NULL, reason text NOT NULL)';

const tableThrottle: BackfillThrottle = {
  name: 'table',
  measure: async ({ em }) => {
    const [row] = await em.getConnection().execute('SELECT pressure, reason FROM pressure');
    return row ?? { pressure: 0, reason: '' };
  },
};

/** The options of `BackfillModule`. */
export function optionsOf(plan: AppPlan, keyPrefix: string): BackfillModuleOptions {
  const { workers = true, ledger = false, throttled = false, lockDuration } = plan;
  return {
    keyPrefix,
    workers,
    ledger,
    throttles: throttled ? [tableThrottle] : [],
    // Handlers that are aborted write and acknowledge their rows within this, also on a busy machine.
    shutdownTimeout: 10_000,
    ...(lockDuration === undefined ? {} : { lockDuration }),
  };
}

/** The entities of the app. */
export function entitiesOf({ ledger = false, undo = false, version }: AppPlan) {
  return [
    ...Object.values(tables),
    ...(ledger ? library.BACKFILL_ENTITIES : []),
    // The release has none.
    ...(undo && version === 'current' ? library.BACKFILL_JOURNAL_ENTITIES : []),
  ];
}

/** The databases beside that of the release. */
export function databasesOf(plan: AppPlan) {
  const { otherDatabaseUrl: clientUrl } = plan;
  const settings = { contextName: 'other', driver: PostgreSqlDriver, entities: entitiesOf(plan) };
  return clientUrl === undefined ? [] : [MikroOrmModule.forRoot({ ...settings, clientUrl })];
}

/** Creates the tables of the journal. */
export async function journalSql(): Promise<string> {
  const statements: string[] = [];
  await library.createJournalSchema({ addSql: (sql) => statements.push(sql) });
  return statements.join(';\n');
}

/** Creates the tables of the ledger as this version of the library does. */
export async function ledgerSql(): Promise<string> {
  const statements: string[] = [];
  await library.createLedgerSchema({ addSql: (sql) => statements.push(sql) });
  return statements.join(';\n');
}
