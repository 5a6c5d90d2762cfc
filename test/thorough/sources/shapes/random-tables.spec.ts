import { MikroORM } from '@mikro-orm/postgresql';
import fc from 'fast-check';
import { BackfillSourceError, keyset } from 'nestjs-backfill';
import type { BackfillSource, JsonValue } from 'nestjs-backfill';
import { createTestDatabase } from '../../../support/databases/index.js';
import { planAll, throughJson } from '../../../integration/sources/plan-source.js';
import { describeShape, entityOf, statements, tableShape, whereOf, type TableShape } from './random-table.js';

/** How many tables are tried. Any number of them: `RANDOM_TABLES=5000 npm run test:thorough -- -t 'plain query'`. */
const TABLES = Number(process.env['RANDOM_TABLES'] ?? 2_000);
const PER_TABLE_MS = 2_000;

interface Row {
  readonly n: number;
}

const database = await createTestDatabase();
await database.query('CREATE EXTENSION citext');
await database.query(`CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')`);
let tables = 0;

/** How the walk over a table ends. */
type Ending =
  | { readonly kind: 'walked'; readonly handed: readonly number[] }
  /** The source refuses the table, or loading rows fails with an error, which becomes a failure of the run. */
  | { readonly kind: 'refused' | 'failed'; readonly error: Error };

/** Walks a new table; answers the rows that a plain query finds, too. */
async function walk(shape: TableShape): Promise<{ expected: number[]; ending: Ending }> {
  const table = `random_${tables++}`;
  const { sql, where, filters } = whereOf(shape);
  await database.query(statements(shape, table));
  const found = await database.query<Row>(`SELECT n FROM ${table} WHERE ${sql} ORDER BY n`);
  const expected = found.map(({ n }) => n);
  const entity = entityOf(shape, table);
  const orm = await MikroORM.init({ entities: [entity], clientUrl: database.url });
  try {
    const orderBy = shape.orderBy.map(({ column, direction }) => ({ [`c${column}`]: direction }));
    const options = { orderBy, ...(where && { where }), ...(filters && { filters }) };
    const source = keyset(entity, options as never) as BackfillSource<never, Row>;
    return { expected, ending: { kind: 'walked', handed: await handOut(orm, source, shape) } };
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RowLostError) {
      throw error;
    }
    return { expected, ending: { kind: error instanceof BackfillSourceError ? 'refused' : 'failed', error } };
  } finally {
    await orm.close(true);
    await database.query(`DROP TABLE ${table}`);
  }
}

class RowLostError extends Error {}

/** Plans and loads all ranges, and loads each row again by its key, as a retry does. */
async function handOut(
  orm: MikroORM,
  source: BackfillSource<never, Row>,
  { batchSize, limit }: TableShape,
): Promise<number[]> {
  const context = () => ({ em: orm.em.fork(), backfill: 'walk' });
  await source.prepare?.(context(), { loadsRows: true });
  const { ranges } = await planAll({ context }, source, { batchSize, limit });
  const handed: number[] = [];
  for (const { data, partition } of ranges) {
    const rows = (await source.load?.(context(), data, partition)) ?? [];
    handed.push(...rows.map(({ n }) => n));
    const keys = throughJson(rows.map((row) => source.keyOf?.(row) as JsonValue));
    const again = (await source.loadKeys?.(context(), keys, partition)) ?? [];
    if (String(numbersOf(again)) !== String(numbersOf(rows))) {
      throw new RowLostError(
        `Expected rows ${numbersOf(rows).join()} by their keys, got ${numbersOf(again).join()}`,
      );
    }
  }
  return handed.toSorted((a, b) => a - b);
}

function numbersOf(rows: readonly Row[]): number[] {
  return rows.map(({ n }) => n).toSorted((a, b) => a - b);
}

it(
  'hands out every row that a plain query finds exactly once, or refuses the table',
  async () => {
    const endings = { walked: 0, refused: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(tableShape, async (shape) => {
        const { expected, ending } = await walk(shape);
        endings[ending.kind]++;
        if (ending.kind === 'walked') {
          const words = describeShape(shape);
          expect({ shape: words, handed: ending.handed }).toEqual({ shape: words, handed: expected });
        }
      }),
      { numRuns: TABLES, ...(process.env['SEED'] && { seed: Number(process.env['SEED']) }) },
    );
    expect(endings.walked).toBeGreaterThan(TABLES / 4);
    // Entities that declare another type than the column has: loading a row by its key fails.
    expect(endings.failed).toBeLessThan(TABLES / 10);
  },
  TABLES * PER_TABLE_MS + 60_000,
);
