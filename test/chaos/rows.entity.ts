import { defineEntity, p } from '@mikro-orm/core';

/** A row that counts how often it was handled; a poisonous one makes its handler throw. */
export const ChaosRow = defineEntity({
  name: 'ChaosRow',
  tableName: 'chaos_rows',
  properties: {
    id: p.integer().primary(),
    touches: p.integer().default(0),
    poison: p.boolean().default(false),
  },
});
