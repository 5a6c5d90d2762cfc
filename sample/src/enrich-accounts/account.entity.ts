import { Entity, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

@Entity({ tableName: 'accounts' })
@Index({ properties: ['createdAt', 'id'] })
export class Account {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'datetime', length: 6 })
  createdAt!: Date;

  @Property({ type: 'text' })
  email!: string;

  @Property({ type: 'text', nullable: true })
  company: string | null = null;

  @Property({ type: 'text', nullable: true })
  industry: string | null = null;

  @Property({ type: 'integer', nullable: true })
  employees: number | null = null;

  @Property({ type: 'datetime', nullable: true })
  enrichedAt: Date | null = null;

  /** How often the directory's answer was stored: the demo proves with it that no row was done twice. */
  @Property({ type: 'integer', default: 0 })
  rewrites: number = 0;
}
