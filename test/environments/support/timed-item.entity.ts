import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A row with an instant, and a time without a zone. */
@Entity({ tableName: 'timed_items' })
export class TimedItem {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'text' })
  state!: string;

  @Property({ type: 'datetime', columnType: 'timestamptz', fieldName: 'created_at' })
  createdAt!: Date;

  @Property({ type: 'datetime', columnType: 'timestamp', fieldName: 'local_at' })
  localAt!: Date;
}
