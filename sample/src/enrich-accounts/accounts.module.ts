import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module } from '@nestjs/common';
import { DirectoryModule } from '../directory-service/directory.module.js';
import { Account } from './account.entity.js';
import { DirectoryClient } from './directory.client.js';
import { EnrichAccounts } from './enrich-accounts.backfill.js';

@Module({
  imports: [MikroOrmModule.forFeature([Account]), DirectoryModule],
  providers: [DirectoryClient, EnrichAccounts],
})
export class AccountsModule {}
