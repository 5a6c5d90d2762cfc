import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** A row that says how often it was handled. */
@Entity({ tableName: 'items' })
export class Item {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'text' })
  state: string = 'new';

  @Property({ type: 'integer' })
  touches: number = 0;
}
