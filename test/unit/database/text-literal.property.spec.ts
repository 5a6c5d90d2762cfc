import { describe, expect, it } from '@jest/globals';
import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import fc from 'fast-check';
import { textLiteral } from '../../../lib/database/text-literal.js';
import { Item } from '../../support/apps/item.entity.js';

// Never connects.
const platform = new MikroORM({
  driver: PostgreSqlDriver,
  dbName: 'none',
  entities: [Item],
}).em.getPlatform();
const texts = fc.oneof(
  fc.string({ unit: fc.constantFrom(`'`, '\\', '"', '$', '?', 'a', '\n', 'ü', '🙂') }),
  fc.string({ unit: 'binary' }),
);

describe('a literal of text', () => {
  it('is that of MikroORM', () => {
    fc.assert(fc.property(texts, (text) => expect(textLiteral(text)).toBe(platform.quoteValue(text))));
  });
});
