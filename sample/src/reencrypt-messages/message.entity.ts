import { BigIntType } from '@mikro-orm/core';
import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

@Entity({ tableName: 'messages' })
export class Message {
  @PrimaryKey({ type: new BigIntType('bigint') })
  id!: bigint;

  /** Which key `body` is encrypted with. */
  @Property({ type: 'text' })
  keyId!: string;

  @Property({ type: 'blob' })
  body!: Buffer;

  /** How often the body was encrypted anew: the demo proves with it that no row was done twice. */
  @Property({ type: 'integer', default: 0 })
  rewrites: number = 0;
}
