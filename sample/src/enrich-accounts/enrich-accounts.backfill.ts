import { Backfill, keyset } from 'nestjs-backfill';
import type { BackfillContext, RowHandler } from 'nestjs-backfill';
import { Account } from './account.entity.js';
import { DirectoryClient } from './directory.client.js';

/**
 * Asks the directory about each account. One that fails does not stop the others. The calls only read, so that a dry run
 * makes them, too: a rehearsal shows what a run will write.
 */
@Backfill({
  name: 'enrich-accounts',
  description: 'Adds company, industry and size from the directory',
  source: keyset(Account, { orderBy: { createdAt: 'asc', id: 'asc' }, where: { enrichedAt: null } }),
  config: { batchSize: 100, rowConcurrency: 10, perSecondOnPeak: 3, perSecondOffPeak: 7.5 },
})
export class EnrichAccounts implements RowHandler<Account> {
  constructor(private readonly directory: DirectoryClient) {}

  async processRow(account: Account, context: BackfillContext): Promise<void> {
    const domain = account.email.slice(account.email.indexOf('@') + 1);
    await context.quota();
    const company = await this.directory.companyOf(domain, context.signal);
    account.company = company.name;
    account.industry = company.industry;
    account.employees = company.employees;
    account.enrichedAt = new Date();
    account.rewrites += 1;
  }
}
