import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { idRange, keyset } from 'nestjs-backfill';
import type { BackfillSource } from 'nestjs-backfill';
import type { BenchPlan, Role } from '../bench-plan.js';
import { BENCH_ENTITIES, WalkRow } from '../bench-rows.entity.js';

const BATCH = 100;
const RANGES = 100;

/** Plans cycles by the sources alone, and by what one would write with `OFFSET`. */
export async function open(plan: BenchPlan): Promise<Role> {
  const orm = await MikroORM.init({
    driver: PostgreSqlDriver,
    clientUrl: plan.databaseUrl,
    entities: BENCH_ENTITIES,
  });
  const sources: Record<string, BackfillSource<never, never>> = {
    id: keyset(WalkRow, { orderBy: { id: 'asc' } }) as BackfillSource<never, never>,
    composite: keyset(WalkRow, { orderBy: { createdAt: 'asc', id: 'asc' } }) as BackfillSource<never, never>,
    stride: idRange(WalkRow, { direction: 'asc' }) as BackfillSource<never, never>,
  };
  return {
    /** Ms that each of some cycles took from a place on, and the rows that their ranges hold. */
    cycles: async (name: string, from: object | number | null, cycles: number) => {
      const source = sources[name];
      if (!source) {
        throw new Error(`Expected a source, got ${name}`);
      }
      const context = { em: orm.em.fork(), backfill: 'plan' };
      await source.prepare?.(context);
      const { partitions } = await source.open(context, { from: from ?? undefined });
      const ms: number[] = [];
      let cursor = null as Awaited<ReturnType<typeof source.plan>>['cursor'];
      for (let i = 0; i < cycles; i++) {
        const began = performance.now();
        const planned = await source.plan(context, {
          partition: '',
          bounds: partitions[0]?.bounds ?? null,
          cursor,
          batchSize: BATCH,
          limit: RANGES,
        });
        ms.push(performance.now() - began);
        if (planned.ranges.length !== RANGES) {
          throw new Error(`Expected ${RANGES} ranges of a cycle, got ${planned.ranges.length}`);
        }
        cursor = planned.cursor;
      }
      return ms;
    },
    /** Ms that the windowed query over the index takes, written by hand and without what reads its answer. */
    bare: async (order: string, cycles: number) => {
      const statement =
        `SELECT rn, (${order})::text FROM (SELECT ${order}, row_number() OVER (ORDER BY ${order}) AS rn ` +
        `FROM (SELECT ${order} FROM bench_walk ORDER BY ${order} LIMIT ${BATCH * RANGES}) walk) boundary ` +
        `WHERE rn % ${BATCH} <= 1`;
      const ms: number[] = [];
      for (let i = 0; i < cycles; i++) {
        const began = performance.now();
        await orm.em.getConnection().execute(statement);
        ms.push(performance.now() - began);
      }
      return ms;
    },
    /** Ms that the same cycle takes by `OFFSET`. */
    offset: async (order: string, offset: number) => {
      const began = performance.now();
      await orm.em
        .getConnection()
        .execute(
          `SELECT ${order} FROM bench_walk ORDER BY ${order} OFFSET ${offset} LIMIT ${BATCH * RANGES}`,
        );
      return performance.now() - began;
    },
  };
}
