import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A row of `bench_rows`, dense ids from 1. */
@Entity({ tableName: 'bench_rows' })
export class BenchRow {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'integer' })
  state!: number;

  @Property({ type: 'text' })
  body!: string;
}

/** A row of `bench_walk`, whose ids are sparse. */
@Entity({ tableName: 'bench_walk' })
export class WalkRow {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'datetime', columnType: 'timestamptz', fieldName: 'created_at' })
  createdAt!: Date;
}

export const BENCH_ENTITIES = [BenchRow, WalkRow];
