import { Entity, Formula, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A row of `bench_rows`, with the version that PostgreSQL keeps of it. */
@Entity({ tableName: 'bench_rows' })
export class VersionedBenchRow {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'integer' })
  state!: number;

  @Property({ type: 'text' })
  body!: string;

  @Formula((_, table) => `${table.alias}.xmin::text`, { type: 'string' })
  rowVersion!: string;
}
