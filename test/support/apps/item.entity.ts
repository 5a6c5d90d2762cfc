import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

export const CREATE_ITEMS =
  "CREATE TABLE items (id int PRIMARY KEY, state text NOT NULL DEFAULT 'new', touches int NOT NULL DEFAULT 0)";

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
