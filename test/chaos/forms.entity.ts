import { defineEntity, p } from '@mikro-orm/core';

/** A row in the old form, 1, or the new one, 2. Its random key lets an app insert rows behind every cursor. */
export const ChaosForm = defineEntity({
  name: 'ChaosForm',
  tableName: 'chaos_forms',
  properties: {
    id: p.uuid().primary(),
    form: p.integer().default(1),
    touches: p.integer().default(0),
  },
});
