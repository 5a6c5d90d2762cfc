import type { EntityMetadata } from '@mikro-orm/core';
import { orderColumns, tieBreakers } from '../../../../lib/sources/keys/sort-key.js';

describe('orderColumns', () => {
  it('flattens objects, lists and embeddables', () => {
    const { columns, problems } = orderColumns([{ status: 'DESC', place: { city: 1 } }, { id: -1 }]);
    expect(problems).toEqual([]);
    expect(columns).toEqual([
      { path: 'status', direction: 'desc' },
      { path: 'place.city', direction: 'asc' },
      { path: 'id', direction: 'desc' },
    ]);
  });

  it('tells what is no direction', () => {
    expect(orderColumns({ id: 'asc nulls first', at: undefined }).problems).toEqual([
      { path: 'id', received: 'asc nulls first' },
      { path: 'at', received: undefined },
    ]);
  });
});

describe('tieBreakers', () => {
  const meta = (extra: object = {}, uniques: object[] = []) =>
    ({
      primaryKeys: ['left', 'right'],
      properties: { slug: { name: 'slug', ...extra } },
      uniques,
    }) as unknown as EntityMetadata;
  const order = (...paths: string[]) => paths.map((path) => ({ path, direction: 'asc' as const }));

  it('appends what is missing of the primary key', () => {
    expect(tieBreakers(meta(), order('at'))).toEqual(['left', 'right']);
    expect(tieBreakers(meta(), order('right', 'at'))).toEqual(['left']);
    expect(tieBreakers(meta(), order('right', 'left'))).toEqual([]);
  });

  it('needs none after a unique key, unless it may be null', () => {
    expect(tieBreakers(meta({ unique: true }), order('at', 'slug'))).toEqual([]);
    expect(tieBreakers(meta({ unique: true, nullable: true }), order('slug'))).toEqual(['left', 'right']);
    expect(tieBreakers(meta({}, [{ properties: ['at', 'slug'] }]), order('slug', 'at'))).toEqual([]);
    expect(tieBreakers(meta({}, [{ properties: 'slug', where: 'x = 1' }]), order('slug'))).toEqual([
      'left',
      'right',
    ]);
  });
});
