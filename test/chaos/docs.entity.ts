import { defineEntity, p } from '@mikro-orm/core';

const columns = {
  id: p.integer().primary(),
  shape: p.integer(),
  body: p.json<DocBody>(),
};

/** What the app counts in a document while a backfill gives it another form. */
export interface DocBody {
  readonly hits: number;
  readonly form?: string;
}

/** A document that the app writes as well. */
export const ChaosDoc = defineEntity({ name: 'ChaosDoc', tableName: 'chaos_docs', properties: columns });

/** Such a document of an app that counts versions. */
export const ChaosVersionedDoc = defineEntity({
  name: 'ChaosVersionedDoc',
  tableName: 'chaos_versioned_docs',
  properties: { ...columns, version: p.integer().version() },
});
