import { defineEntity, p } from '@mikro-orm/core';

/** A row that lists the versions which handled it, each followed by a space. */
const rowsIn = (tableName: string) =>
  defineEntity({
    name: `${tableName}_row`,
    tableName,
    properties: {
      id: p.integer().primary(),
      createdAt: p.datetime(),
      handledBy: p.text().default(''),
    },
  });

/** A table for each backfill: all of them run side by side. */
export const tables = {
  ids: rowsIn('ids'),
  keys: rowsIn('keys'),
  batches: rowsIn('batches'),
  rows: rowsIn('rows'),
};

export interface Row {
  readonly id: number;
  readonly createdAt: Date;
  handledBy: string;
}

/** Two rows in three share their time, so that the order of a walk by time needs its second column. */
export function refillSql(name: string, rows: number): string {
  return `
    DROP TABLE IF EXISTS ${name};
    CREATE TABLE ${name} (id int PRIMARY KEY, created_at timestamptz NOT NULL, handled_by text NOT NULL DEFAULT '');
    CREATE INDEX ON ${name} (created_at, id);
    INSERT INTO ${name} (id, created_at)
      SELECT id, timestamptz '2025-01-01' + (id / 3) * interval '1 minute' FROM generate_series(1, ${rows}) AS id`;
}
