import { EntitySchema } from '@mikro-orm/core';

/** A row whose document both an app and a backfill write. */
export class Doc {
  id!: number;
  shape!: number;
  body!: { hits: number; form?: string };
}

export const DocSchema = new EntitySchema<Doc>({
  class: Doc,
  tableName: 'docs',
  properties: {
    id: { type: 'integer', primary: true },
    shape: { type: 'integer' },
    body: { type: 'json' },
  },
});
