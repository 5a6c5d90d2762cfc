import { setTimeout as sleep } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { array, Backfill, NonRetryableError, RateLimitedError } from 'nestjs-backfill';
import type { BackfillContext, BatchHandler, RowHandler } from 'nestjs-backfill';
import { AppModule } from '../src/app.module.js';

/** Rows that need no table. */
const rows = (count: number) => array(() => Array.from({ length: count }, (_, i) => i + 1));
const UNPACED = { perSecondOnPeak: null, perSecondOffPeak: null } as const;

/** Fails for some rows. */
@Backfill({
  name: 'number-invoices',
  description: 'Gives old invoices a number of the new series',
  source: rows(20_000),
  config: { ...UNPACED, batchSize: 500, attempts: 1 },
})
class NumberInvoices implements RowHandler<number> {
  processRow(invoice: number): void {
    if (invoice % 28 === 0) {
      const message = `duplicate key value violates unique constraint "invoices_number_key": (2021-${invoice})`;
      throw new NonRetryableError(message);
    }
  }
}

/** Pauses itself: its table is missing. */
@Backfill({
  name: 'fill-tax-ids',
  description: 'Copies tax ids from the registry',
  source: rows(50_000),
  config: UNPACED,
})
class FillTaxIds implements BatchHandler<number> {
  async processBatch(_: number[], { em }: BackfillContext): Promise<void> {
    await (em as EntityManager).execute('select id, tax_id from tax_registry');
  }
}

/** Held by a throttle. */
@Backfill({
  name: 'merge-contacts',
  description: 'Merges contacts with the same address',
  source: rows(40_000),
  throttles: [{ name: 'replica', measure: () => ({ pressure: 1, reason: 'replication lag 48 s' }) }],
})
class MergeContacts implements BatchHandler<number> {
  processBatch(): void {}
}

/** Held by a third party. */
@Backfill({
  name: 'geocode-addresses',
  description: 'Asks the map service for coordinates',
  source: rows(8_000),
  config: { ...UNPACED, batchSize: 50 },
})
class GeocodeAddresses implements RowHandler<number> {
  processRow(address: number): void {
    if (address > 2_400) {
      throw new RateLimitedError(900_000);
    }
  }
}

@Backfill({
  name: 'hash-phone-numbers',
  description: 'Adds the hash that lookups use',
  source: rows(120_000),
  config: { ...UNPACED, batchSize: 5_000 },
})
class HashPhoneNumbers implements BatchHandler<number> {
  async processBatch(): Promise<void> {
    await sleep(200);
  }
}

@Backfill({
  name: 'normalize-emails',
  description: 'Lower case, without spaces',
  source: rows(64_000),
  config: { ...UNPACED, batchSize: 5_000 },
})
class NormalizeEmails implements BatchHandler<number> {
  processBatch(): void {}
}

@Backfill({
  name: 'resize-avatars',
  description: 'Makes the small sizes that the app shows',
  source: rows(9_000),
  config: { batchSize: 50, perSecondOnPeak: 8, perSecondOffPeak: 8 },
})
class ResizeAvatars implements BatchHandler<number> {
  processBatch(): void {}
}

@Backfill({ name: 'split-full-names', description: 'First and last name', source: rows(30_000) })
class SplitFullNames implements BatchHandler<number> {
  processBatch(): void {}
}

@Backfill({ name: 'tag-countries', description: 'Country of each address', source: rows(30_000) })
class TagCountries implements BatchHandler<number> {
  processBatch(): void {}
}

/** The sample's app, with backfills beside its own that get into each state within seconds. */
@Module({
  imports: [AppModule],
  providers: [
    NumberInvoices,
    FillTaxIds,
    MergeContacts,
    GeocodeAddresses,
    HashPhoneNumbers,
    NormalizeEmails,
    ResizeAvatars,
    SplitFullNames,
    TagCountries,
  ],
})
export class PicturedModule {}
