import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A row that says what a handler made of it, and how often. */
@Entity({ tableName: 'environment_rows' })
export class EnvironmentRow {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'integer' })
  value!: number;

  @Property({ type: 'integer', nullable: true })
  result: number | null = null;

  @Property({ type: 'integer' })
  times: number = 0;
}
