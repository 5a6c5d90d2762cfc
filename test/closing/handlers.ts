import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import { Backfill, idRange, keyset, OnBackfill } from 'nestjs-backfill';
import type { BackfillContext, BackfillThrottle } from 'nestjs-backfill';
import { numbers } from '../support/apps/number.source.js';
import { ClosingRow } from './rows.entity.js';
import type { ClosingRowData } from './rows.entity.js';

const CONFIG = { batchSize: 10, perSecondOnPeak: 200, perSecondOffPeak: 200, concurrency: 3, duration: 1 };

const execute = (em: BackfillContext['em'], sql: string) =>
  (em as EntityManager).getConnection().execute(sql);

/** Without the database. */
@Backfill({ name: 'pure', source: numbers(1_000_000), config: CONFIG })
export class Pure {
  async processRange(): Promise<void> {
    await sleep(2);
  }
}

@Backfill({ name: 'statements', source: idRange(ClosingRow), config: CONFIG })
export class Statements {
  async processRange(_range: unknown, { em }: BackfillContext): Promise<void> {
    await execute(em, 'UPDATE closing_rows SET touches = touches + 1 WHERE id = 1');
  }
}

@Backfill({ name: 'batches', source: keyset(ClosingRow, { orderBy: { id: 'asc' } }), config: CONFIG })
export class Batches {
  async processBatch(rows: ClosingRowData[]): Promise<void> {
    await sleep(2);
    rows.forEach((row) => row.touches++);
  }
}

@Backfill({ name: 'rows', source: keyset(ClosingRow, { orderBy: { id: 'desc' } }), config: CONFIG })
export class Rows {
  async processRow(row: ClosingRowData, { signal }: BackfillContext): Promise<void> {
    await sleep(1, undefined, { signal });
    row.touches++;
  }
}

/** Ignores its signal in a statement, and holds every connection of the pool. */
@Backfill({ name: 'long', source: numbers(1_000), config: { ...CONFIG, concurrency: 20 } })
export class LongStatements {
  async processRange(_range: unknown, { em }: BackfillContext): Promise<void> {
    await execute(em, 'SELECT pg_sleep(600)');
  }
}

/** Ignores its signal in a transaction. */
@Backfill({ name: 'stuck', source: numbers(1_000), config: CONFIG })
export class StuckTransactions {
  async processRange(_range: unknown, { em }: BackfillContext): Promise<void> {
    await em.begin();
    await execute(em, 'SELECT 1');
    await new Promise(() => undefined);
  }
}

export const HANDLERS: Readonly<Record<string, Type>> = {
  pure: Pure,
  statements: Statements,
  batches: Batches,
  rows: Rows,
  long: LongStatements,
  stuck: StuckTransactions,
};

@Injectable()
export class Listener {
  @OnBackfill(['started', 'paused', 'resumed', 'planned'], { once: true })
  async once(): Promise<void> {
    await sleep(5);
  }

  @OnBackfill(['started', 'rangeCompleted'])
  async everywhere(): Promise<void> {
    await sleep(5);
  }
}

/** Holds a connection for as long as it measures. */
export const probe: BackfillThrottle = {
  name: 'probe',
  measure: async ({ em }) => {
    await execute(em, 'SELECT pg_sleep(0.2)');
    return { pressure: 0, reason: '' };
  },
};
