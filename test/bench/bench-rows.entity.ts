import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

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

/** A row of `bench_notes`, which belongs to one of `bench_rows`. */
@Entity({ tableName: 'bench_notes' })
export class BenchNote {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @ManyToOne(() => BenchRow, { fieldName: 'row_id' })
  row!: BenchRow;

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

/** A row of `bench_ids`, which has the first and the last of very many ids. */
@Entity({ tableName: 'bench_ids' })
export class IdRow {
  @PrimaryKey({ type: 'bigint' })
  id!: bigint;
}

/** A row of `bench_narrow`. */
@Entity({ tableName: 'bench_narrow' })
export class NarrowRow {
  @PrimaryKey({ type: 'bigint' })
  id!: bigint;
}

export const BENCH_ENTITIES = [BenchRow, BenchNote, WalkRow, IdRow, NarrowRow];
