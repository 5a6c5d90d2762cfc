import { MikroORM } from '@mikro-orm/postgresql';
import { createTestDatabase, type TestDatabase } from '../../support/databases/index.js';
import type {
  BackfillRange,
  BackfillSource,
  JsonValue,
  OpenRequest,
  SourceContext,
  SourceOpening,
  SourcePlan,
} from '../../../lib/sources/backfill-source.js';
import { schemas, type ShelfRow } from './item.entity.js';

export interface Shop {
  readonly orm: MikroORM;
  readonly database: TestDatabase;
  /** A context with a fork of its own. */
  context(): SourceContext;
  /** Replaces all rows. */
  stock(rows: readonly ShelfRow[]): Promise<void>;
}

export async function openShop(): Promise<Shop> {
  const database = await createTestDatabase();
  const orm = await MikroORM.init({ entities: schemas, clientUrl: database.url });
  await database.query('CREATE SCHEMA "stock room"');
  await orm.schema.create();
  await database.query(`INSERT INTO keepers SELECT g, 'keeper ' || g % 2 FROM generate_series(0, 9) g`);
  return {
    orm,
    database,
    context: () => ({ em: orm.em.fork(), backfill: 'tidy-shelves' }),
    stock: async (rows) => {
      await database.query('TRUNCATE "stock room".shelves');
      await database.query(
        `INSERT INTO "stock room".shelves
           (id, "the number", digits, code, uuid, amount, at, naive, day, flag, bytes, place_city, keeper_id, sparse, hidden)
         SELECT id, coalesce(number, id % 1000), coalesce(digits, id), coalesce(code, 'code ' || id),
                coalesce(uuid, md5(id::text)::uuid), coalesce(amount, id), coalesce(at, now()),
                coalesce(naive, localtimestamp), coalesce(day, '2020-01-01'), coalesce(flag, false),
                coalesce(bytes, 'x')::bytea, coalesce(city, 'Ulm'), coalesce(keeper_id, 0), sparse,
                coalesce(hidden, false)
           FROM json_to_recordset($1) AS row (id bigint, number int, digits bigint, code text, uuid uuid,
                amount numeric, at timestamptz, naive timestamp, day date, flag boolean, bytes text, city text,
                keeper_id int, sparse int, hidden boolean)`,
        [JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))],
      );
    },
  };
}

export interface WalkedRange<TRange extends BackfillRange> {
  readonly range: TRange;
  readonly data: JsonValue;
  readonly partition: string;
  readonly rows: number;
}

export interface Walked<TRange extends BackfillRange> {
  readonly opening: SourceOpening;
  readonly ranges: Array<WalkedRange<TRange>>;
  readonly cycles: number;
}

/** Opens a run and plans it to the end, as the scheduler does, with everything through JSON in between. */
export async function walk<TRange extends BackfillRange, TRow>(
  shop: Pick<Shop, 'context'>,
  source: BackfillSource<TRange, TRow>,
  {
    batchSize,
    limit = 3,
    onCycle,
    ...request
  }: OpenRequest & {
    batchSize: number;
    limit?: number;
    onCycle?: (cycle: number, planned: readonly JsonValue[]) => Promise<void>;
  },
): Promise<Walked<TRange>> {
  await source.prepare?.(shop.context());
  const opening = throughJson(await source.open(shop.context(), request));
  const ranges: Array<WalkedRange<TRange>> = [];
  let cycles = 0;
  for (const { name, bounds } of opening.partitions) {
    let cursor: JsonValue = null;
    for (let exhausted = false; !exhausted; cycles++) {
      const plan: SourcePlan = throughJson(
        await source.plan(shop.context(), { partition: name, bounds, cursor, batchSize, limit }),
      );
      for (const { data, rows } of plan.ranges) {
        const range = source.toRange?.(data, ranges.length, name);
        if (!range) throw new Error('Expected a source with toRange');
        ranges.push({ range, data, partition: name, rows });
      }
      ({ cursor, exhausted } = plan);
      await onCycle?.(
        cycles,
        ranges.map(({ data }) => data),
      );
    }
  }
  return { opening, ranges, cycles };
}

/** Loads each range's rows, the ranges in order. */
export async function loadAll<TRange extends BackfillRange, TRow>(
  shop: Pick<Shop, 'context'>,
  source: BackfillSource<TRange, TRow>,
  { ranges }: Walked<TRange>,
): Promise<TRow[][]> {
  const all: TRow[][] = [];
  for (const { data, partition } of ranges)
    all.push((await source.load?.(shop.context(), data, partition)) ?? []);
  return all;
}

export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
