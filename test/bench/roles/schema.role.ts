import { createJournalSchema, createLedgerSchema } from 'nestjs-backfill';
import type { Role } from '../bench-plan.js';

/** The statements that create the tables of the library. */
export async function open(): Promise<Role> {
  return {
    journal: () => statements(createJournalSchema),
    ledger: () => statements(createLedgerSchema),
  };
}

async function statements(create: typeof createJournalSchema): Promise<string> {
  const sql: string[] = [];
  await create({ addSql: (statement) => sql.push(statement) });
  return sql.join('\n');
}
