import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { BenchPlan } from './bench-plan.js';

/** MikroORM as the loops that are written by hand use it, with the pool that an app has. */
export function openOrm(plan: BenchPlan, entities: readonly (new () => object)[]) {
  return MikroORM.init({
    driver: PostgreSqlDriver,
    clientUrl: plan.databaseUrl,
    entities: [...entities],
    pool: { min: 0, max: 10 },
  });
}
