import type { EntityMetadata } from '@mikro-orm/core';
import { parseOrderBy, missingTieBreakers } from '../../../../lib/sources/keys/sort-key.js';

describe('parseOrderBy', () => {
  it('flattens objects, lists and embeddables', () => {
    const { sortKeys, invalid } = parseOrderBy([{ status: 'DESC', address: { city: 1 } }, { id: -1 }]);
    expect(invalid).toEqual([]);
    expect(sortKeys).toEqual([
      { path: 'status', direction: 'desc' },
      { path: 'address.city', direction: 'asc' },
      { path: 'id', direction: 'desc' },
    ]);
  });

  it('reports invalid directions', () => {
    expect(parseOrderBy({ id: 'asc nulls first', at: undefined }).invalid).toEqual([
      { path: 'id', received: 'asc nulls first' },
      { path: 'at', received: undefined },
    ]);
  });
});

describe('missingTieBreakers', () => {
  const meta = (extra: object = {}, uniques: object[] = []) =>
    ({
      primaryKeys: ['left', 'right'],
      properties: { slug: { name: 'slug', ...extra } },
      uniques,
    }) as unknown as EntityMetadata;
  const order = (...paths: string[]) => paths.map((path) => ({ path, direction: 'asc' as const }));

  it('are the missing properties of the primary key', () => {
    expect(missingTieBreakers(meta(), order('at'))).toEqual(['left', 'right']);
    expect(missingTieBreakers(meta(), order('right', 'at'))).toEqual(['left']);
    expect(missingTieBreakers(meta(), order('right', 'left'))).toEqual([]);
  });

  it('are none after a unique key, unless it is nullable', () => {
    expect(missingTieBreakers(meta({ unique: true }), order('at', 'slug'))).toEqual([]);
    expect(missingTieBreakers(meta({ unique: true, nullable: true }), order('slug'))).toEqual([
      'left',
      'right',
    ]);
    expect(missingTieBreakers(meta({}, [{ properties: ['at', 'slug'] }]), order('slug', 'at'))).toEqual([]);
    expect(missingTieBreakers(meta({}, [{ properties: 'slug', where: 'x = 1' }]), order('slug'))).toEqual([
      'left',
      'right',
    ]);
  });

  it.each([
    ['declared by an expression', { expression: 'create unique index i on t (slug) where live' }],
    ['partial', { where: { live: true } }],
    ['partial in its options', { options: { partialFilterExpression: { live: true } } }],
    ['disabled', { disabled: true }],
  ])('are needed after a unique key that is %s', (_, unique) => {
    expect(missingTieBreakers(meta({}, [{ properties: ['slug'], ...unique }]), order('slug'))).toEqual([
      'left',
      'right',
    ]);
  });
});
