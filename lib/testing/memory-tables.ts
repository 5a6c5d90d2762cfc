import { inspect } from 'node:util';
import type { EntityManager } from '@mikro-orm/core';
import { executeStatement } from '../sources/sql/execute-statement.js';

/** SQLite keeps the last generated ids in a table, too, if a table of the app has such ids. */
const SEQUENCES = 'sqlite_sequence';

/** All tables of an in-memory SQLite database, whose rows are copied, restored and compared. */
export class MemoryTables {
  constructor(private readonly em: EntityManager) {}

  /** Copies all rows; the result restores them. */
  async backUp(): Promise<() => Promise<void>> {
    const copies: { table: string; copy: string; columns: string }[] = [];
    for (const [at, name] of (await this.names()).entries()) {
      const copy = `temp.backfill_copy_${at}`;
      const table = quoted(name);
      const columns = (await this.columns(name)).map(quoted).join(', ');
      await this.run(`drop table if exists ${copy}`);
      await this.run(`create temp table backfill_copy_${at} as select ${columns} from ${table}`);
      copies.push({ table, copy, columns });
    }
    return async () => {
      // Rows are restored table by table, so that references may be broken in between.
      await this.run('pragma foreign_keys = off');
      for (const { table, copy, columns } of copies) {
        await this.run(`delete from ${table}`);
        await this.run(`insert into ${table} (${columns}) select ${columns} from ${copy}`);
      }
      await this.run('pragma foreign_keys = on');
    };
  }

  /** Reads all rows by table. Their order is no part of the state: a repeated range may insert in another one. */
  async read(): Promise<Record<string, object[]>> {
    const rows: Record<string, object[]> = {};
    for (const name of await this.names()) {
      if (name !== SEQUENCES) {
        const found = await executeStatement(this.em, `select * from ${quoted(name)}`);
        rows[name] = found
          .map((row) => ({ text: inspect(row, { depth: null, maxStringLength: null }), row }))
          .toSorted((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text)))
          .map(({ row }) => row);
      }
    }
    return rows;
  }

  private async names(): Promise<string[]> {
    const rows = await executeStatement(
      this.em,
      `select name from sqlite_master where type = 'table' and (substr(name, 1, 7) <> 'sqlite_' or name = '${SEQUENCES}') order by name`,
    );
    return rows.map(({ name }) => String(name));
  }

  /** Without generated columns, which cannot be written. */
  private async columns(table: string): Promise<string[]> {
    const rows = await executeStatement(
      this.em,
      `select name from pragma_table_info('${table.replaceAll("'", "''")}')`,
    );
    return rows.map(({ name }) => String(name));
  }

  private async run(sql: string): Promise<void> {
    await executeStatement(this.em, sql, 'run');
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
