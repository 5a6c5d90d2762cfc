import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DecimalType, EntitySchema } from '@mikro-orm/core';
import { LibSqlDriver } from '@mikro-orm/libsql';
import { keyset } from 'nestjs-backfill';
import { defineBackfill } from '../../support/apps/index.js';
import { loadAll, planAll } from '../sources/plan-source.js';
import { driverSuite } from './driver.suite.js';
import { Entry } from './entities.js';

const folder = mkdtempSync(join(tmpdir(), 'nestjs-backfill-sqlite-'));
const file = join(folder, 'test.sqlite');

class Word {
  id!: number;
  word!: string;
}

const wordSchema = new EntitySchema<Word>({
  class: Word,
  tableName: 'words',
  properties: {
    id: { type: 'integer', primary: true },
    word: { type: 'string', columnType: 'text collate nocase' },
  },
});

class Price {
  id!: number;
  amount!: string;
}

const priceSchema = new EntitySchema<Price>({
  class: Price,
  tableName: 'prices',
  properties: {
    id: { type: 'integer', primary: true },
    amount: { type: new DecimalType('string'), columnType: 'decimal(20,18)' },
  },
});

const bench = driverSuite({
  entities: [wordSchema, priceSchema],
  name: 'sqlite',
  wideIntegers: false,
  transactions: true,
  locksRows: false,
  tellsIndex: false,
  open: async () => ({
    // libsql's busy timeout. The default is 0: a statement that meets a lock fails and blocks its connection.
    options: { driver: LibSqlDriver, dbName: file, driverOptions: { timeout: 5_000 } },
    close: async () => rmSync(folder, { recursive: true }),
  }),
});
const base = { at: new Date(0), shard: 'eu', hidden: false, state: 'new', touches: 0 };

describe('dates on sqlite', () => {
  it('keep the stored format, number or text', async () => {
    await bench.fill(
      Entry,
      Array.from({ length: 40 }, (_, id) => ({ ...base, id, code: `c${id}`, at: new Date(1e12 + id) })),
    );
    const { em } = bench.context();
    await em
      .getConnection()
      .execute("update entries set at = datetime('2020-01-01', id || ' seconds') where id % 2 = 0");
    const source = keyset(Entry, { orderBy: { at: 'asc', id: 'desc' } });
    const planned = await planAll(bench, source, { batchSize: 7, limit: 2 });
    const ids = (await loadAll(bench, source, planned)).flat().map(({ id }) => id);
    // SQLite sorts numbers before text.
    const [odd, even] = [1, 0].map((rest) => Array.from({ length: 20 }, (_, i) => 2 * i + rest));
    expect(ids).toEqual([...(odd ?? []), ...(even ?? [])]);
    expect(planned.ranges.at(-1)?.range.last).toMatchObject({ at: new Date('2020-01-01T00:00:38Z'), id: 38 });
  });
});

it('text values that are equal in the collation are read once each', async () => {
  const words = ['b', 'A', 'a', 'B', 'á', 'Á', 'Z', 'z'];
  await bench.fill(
    Word,
    Array.from({ length: 60 }, (_, id) => ({ id, word: words[id % 8] ?? '' })),
  );
  for (const batchSize of [1, 7]) {
    const orderBy = { word: 'desc', id: 'asc' } as const;
    const source = keyset(Word, { orderBy });
    const planned = await planAll(bench, source, { batchSize });
    const loaded = (await loadAll(bench, source, planned)).flat();
    const expected = await bench.orm.em.fork().find(Word, {}, { orderBy });
    expect(loaded.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  }
});

it('decimals that differ after the fifteenth digit are read once each', async () => {
  const amounts = [0.1 + 0.2, 0.3, 0.1, 1 / 3, 0.333333333333333, 2, 12345678.000000002];
  await bench.fill(
    Price,
    amounts.map((amount, id) => ({ id, amount: String(amount) })),
  );
  for (const direction of ['asc', 'desc'] as const) {
    const source = keyset(Price, { orderBy: { amount: direction, id: 'asc' } });
    const planned = await planAll(bench, source, { batchSize: 1 });
    const ids = (await loadAll(bench, source, planned)).map((rows) => rows.map(({ id }) => id));
    const sorted = [...amounts.keys()].toSorted((a, b) => (amounts[a] ?? 0) - (amounts[b] ?? 0));
    expect(ids).toEqual((direction === 'asc' ? sorted : sorted.toReversed()).map((id) => [id]));
  }
});

describe('a file that another process writes to', () => {
  it('is retried without using an attempt', async () => {
    await bench.fill(
      Entry,
      Array.from({ length: 90 }, (_, id) => ({ ...base, id, code: `c${id}` })),
    );
    const handler = defineBackfill<never, Entry>({
      name: 'touch-entries',
      source: keyset(Entry, { orderBy: { id: 'asc' } }),
      config: { batchSize: 3, perSecondOnPeak: null, perSecondOffPeak: null, concurrency: 4, attempts: 1 },
      processBatch: (rows) => {
        for (const row of rows) row.touches++;
      },
    });
    const { backfills, finished } = await bench.start(handler);
    const writer = spawn(
      process.execPath,
      [fileURLToPath(new URL('./sqlite-writer.js', import.meta.url)), file],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const exited = once(writer, 'exit');
    try {
      await once(writer.stdout, 'data');
      await backfills.start('touch-entries');
      expect(await finished('touch-entries')).toMatchObject({
        state: 'completed',
        rowsDone: 90,
        rowsFailed: 0,
      });
    } finally {
      writer.kill('SIGKILL');
      await exited;
    }
    expect(await bench.orm.em.fork().count(Entry, { touches: 1 })).toBe(90);
  });
});
