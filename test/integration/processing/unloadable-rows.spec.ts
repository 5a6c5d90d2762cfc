import { setTimeout as sleep } from 'node:timers/promises';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Type } from '@mikro-orm/core';
import { idRange, keyset, type BackfillSource } from 'nestjs-backfill';
import { createAppBench, defineBackfill, Item, numbers, type NumberRow } from '../../support/apps/index.js';

/** A column of the app's own type, as one that decrypts. */
class Secret extends Type<string, string> {
  override convertToJSValue(value: string): string {
    if (value.startsWith('broken')) {
      throw new RangeError(`cannot decrypt ${value}`);
    }
    return value;
  }

  override getColumnType(): string {
    return 'text';
  }
}

@Entity({ tableName: 'secrets' })
class SecretRow {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: Secret })
  secret!: string;

  @Property({ type: 'integer' })
  touches!: number;
}

const bench = await createAppBench();
const { database } = bench;
const unpaced = { perSecondOnPeak: null, perSecondOffPeak: null };
const config = { batchSize: 20, attempts: 2, backoffMs: 1, ...unpaced };
const breakRows = (...ids: number[]) =>
  database.query(`UPDATE secrets SET secret = 'broken ' || id WHERE id = ANY($1::int[])`, [ids]);

beforeAll(() =>
  database.query(
    'CREATE TABLE secrets (id int PRIMARY KEY, secret text NOT NULL, touches int NOT NULL DEFAULT 0)',
  ),
);

beforeEach(async () => {
  await database.query('TRUNCATE secrets');
  await database.query(`INSERT INTO secrets SELECT g, 'secret ' || g FROM generate_series(1, 100) g`);
});

async function touchedOnce(): Promise<number> {
  const [row] = await database.query<{ n: string }>('SELECT count(*) AS n FROM secrets WHERE touches = 1');
  return Number(row?.n);
}

const touch = (row: SecretRow) => void row.touches++;
const shapes = {
  batch: { processBatch: (rows: SecretRow[]) => rows.forEach(touch) },
  row: { processRow: touch },
};
const sources: Record<string, BackfillSource<never, SecretRow>> = {
  keyset: keyset(SecretRow, { orderBy: { id: 'asc' } }) as never,
  'keyset, descending': keyset(SecretRow, { orderBy: { id: 'desc' } }) as never,
  idRange: idRange(SecretRow) as never,
};
const cases = Object.keys(sources).flatMap((source) =>
  (['batch', 'row'] as const).map((shape) => [shape, source] as const),
);

describe('a row that cannot be loaded', () => {
  it.each(cases)('is a failure of that row: %s handler, %s', async (shape, source) => {
    await breakRows(41, 42, 100);
    const handler = defineBackfill<never, SecretRow>({
      name: 'secrets',
      source: sources[source] as never,
      config,
      ...shapes[shape],
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities: [SecretRow] });
    await backfills.start('secrets');
    expect(await finished('secrets')).toMatchObject({
      state: 'failed',
      outstanding: 0,
      failed: 0,
      rowsDone: 97,
      rowsFailed: 3,
    });
    expect(await touchedOnce()).toBe(97);
    const { items } = await backfills.failures('secrets');
    expect(
      items.map(({ kind, error: { name, message } }) => `${kind} ${name} ${message}`).toSorted(),
    ).toEqual([
      'row RangeError cannot decrypt broken 100',
      'row RangeError cannot decrypt broken 41',
      'row RangeError cannot decrypt broken 42',
    ]);

    await backfills.retryFailures('secrets');
    expect(await finished('secrets')).toMatchObject({ state: 'failed', rowsDone: 97, rowsFailed: 3 });
    expect((await backfills.failures('secrets')).items).toHaveLength(3);
    await database.query(`UPDATE secrets SET secret = 'mended'`);
    await backfills.retryFailures('secrets');
    expect(await finished('secrets')).toMatchObject({ state: 'completed', rowsDone: 100, rowsFailed: 0 });
    expect(await touchedOnce()).toBe(100);
  });

  it('is one, too, where the row breaks while its range is under way', async () => {
    const handler = defineBackfill<never, SecretRow>({
      name: 'secrets',
      source: keyset(SecretRow, { orderBy: { id: 'asc' } }),
      config: { ...config, batchSize: 100, rowConcurrency: 1, rowAckMs: 10 },
      processRow: async (row) => {
        touch(row);
        if (row.id === 20) {
          await breakRows(99);
        }
        // The pending rows are loaded again every 10 ms.
        await sleep(row.id > 20 ? 5 : 0);
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities: [SecretRow] });
    await backfills.start('secrets');
    expect(await finished('secrets')).toMatchObject({ state: 'failed', rowsDone: 99, rowsFailed: 1 });
    expect((await backfills.failures('secrets')).items).toMatchObject([
      { kind: 'row', error: { message: 'cannot decrypt broken 99' } },
    ]);
  });

  it('fails its range where the source cannot split it', async () => {
    const handler = defineBackfill<never, NumberRow>({
      name: 'numbers',
      source: {
        ...numbers(30),
        split: undefined,
        load: async (_, planned) => {
          const { low, high } = planned as { low: number; high: number };
          if (low <= 15 && 15 <= high) {
            throw new Error('no 15');
          }
          return Array.from({ length: high - low + 1 }, (__, i) => ({ id: low + i }));
        },
      },
      config: { ...config, batchSize: 10 },
      processBatch: () => {},
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('numbers');
    expect(await finished('numbers')).toMatchObject({
      state: 'failed',
      failed: 1,
      rowsDone: 20,
      rowsFailed: 10,
    });
    expect((await backfills.failures('numbers')).items).toMatchObject([
      { kind: 'range', key: { low: 11, high: 20 }, error: { message: 'no 15' } },
    ]);
  });

  it('fails its range where splitting fails, and says so', async () => {
    const handler = defineBackfill<never, NumberRow>({
      name: 'numbers',
      source: {
        ...numbers(30),
        split: () => Promise.reject(new TypeError('no scissors')),
        load: () => Promise.reject(new Error('unreadable')),
      },
      config: { ...config, batchSize: 10 },
      processRow: () => {},
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('numbers');
    expect(await finished('numbers')).toMatchObject({ state: 'failed', failed: 3, rowsFailed: 30 });
    const [first] = (await backfills.failures('numbers')).items;
    expect(first).toMatchObject({ kind: 'range' });
    expect(first?.error.message).toContain('unreadable');
    expect(first?.error.message).toContain('no scissors');
  });
});

describe('a range of one id that several rows share', () => {
  it('counts all of them where it fails', async () => {
    await bench.fillItems('SELECT generate_series(1, 320)');
    await database.query('UPDATE items SET touches = CASE WHEN id <= 310 THEN 7 ELSE id END');
    const handler = defineBackfill<never>({
      name: 'repeated',
      source: idRange(Item, { key: 'touches' }),
      config: { ...config, batchSize: 50 },
      processRange: ({ begin, end }: { begin: number; end: number }) => {
        if (begin <= 7 && 7 <= end) {
          throw new Error('not 7');
        }
      },
    });
    const { backfills, finished } = await bench.start({ handlers: [handler] });
    await backfills.start('repeated');
    expect(await finished('repeated')).toMatchObject({ state: 'failed', rowsFailed: 310 });
    expect((await backfills.failures('repeated')).items).toMatchObject([
      { kind: 'range', key: { begin: 7, end: 7 } },
    ]);
    await backfills.retryFailures('repeated');
    expect(await finished('repeated')).toMatchObject({ state: 'failed', rowsFailed: 310 });
  });
});

describe('a row whose new value the database cannot read', () => {
  it.each(['batch', 'row'] as const)('is a failure of that row: %s handler', async (shape) => {
    const spoil = (row: SecretRow) => {
      row.secret = row.id === 42 ? 'a\u0000b' : 'changed';
      row.touches++;
    };
    const spoiling = {
      batch: { processBatch: (rows: SecretRow[]) => rows.forEach(spoil) },
      row: { processRow: spoil },
    };
    const handler = defineBackfill<never, SecretRow>({
      name: 'secrets',
      source: sources['keyset'] as never,
      config,
      ...spoiling[shape],
    });
    const { backfills, finished } = await bench.start({ handlers: [handler], entities: [SecretRow] });
    await backfills.start('secrets');
    expect(await finished('secrets')).toMatchObject({ state: 'failed', rowsDone: 99, rowsFailed: 1 });
    expect(await touchedOnce()).toBe(99);
  });
});
