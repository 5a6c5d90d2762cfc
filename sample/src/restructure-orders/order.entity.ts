import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { FlatOrder, NestedOrder } from './order-document.js';

@Entity({ tableName: 'orders' })
@Index({ properties: ['createdAt', 'id'] })
export class Order {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'datetime', length: 6 })
  createdAt!: Date;

  @Property({ type: 'smallint' })
  shape!: 1 | 2;

  @Property({ type: 'json' })
  document!: FlatOrder | NestedOrder;

  /** How often the document was restructured: the demo proves with it that no row was done twice. */
  @Property({ type: 'integer', default: 0 })
  rewrites: number = 0;
}
