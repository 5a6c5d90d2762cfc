import { defineEntity, p } from '@mikro-orm/core';

export const ClosingRow = defineEntity({
  name: 'ClosingRow',
  tableName: 'closing_rows',
  properties: {
    id: p.integer().primary(),
    touches: p.integer().default(0),
  },
});

export interface ClosingRowData {
  readonly id: number;
  touches: number;
}
