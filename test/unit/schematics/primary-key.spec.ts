import { primaryKeyIn } from '../../../lib/schematics/backfill/primary-key.js';

it.each([
  ['@PrimaryKey()\n  id!: number;', ['id'], 'integer'],
  ["@PrimaryKey({ type: 'bigint' })\n  readonly id!: bigint;", ['id'], 'integer'],
  ['@PrimaryKey() id: Opt<number>;', ['id'], 'integer'],
  ["@PrimaryKey({ type: 'bigint' })\n  id!: string;", ['id'], 'other'],
  ["@PrimaryKey({ type: 'uuid', onCreate: () => v4() })\n  uuid: string = v4();", ['uuid'], 'other'],
  ['@PrimaryKey()\n  id = 0;', ['id'], 'unknown'],
  [
    '@ManyToOne(() => Tenant, { primary: true })\n  tenant!: Tenant;\n\n  @PrimaryKey()\n  id!: number;',
    ['tenant', 'id'],
    'other',
  ],
  ['@ManyToOne(() => Tenant)\n  tenant!: Tenant;\n\n  @PrimaryKey()\n  id!: number;', ['id'], 'integer'],
  ['properties: { id: p.integer().primary(), body: p.text() }', ['id'], 'integer'],
  [
    'properties: {\n    body: p.text(),\n    id: p\n      .bigint()\n      .primary(),\n  }',
    ['id'],
    'integer',
  ],
  ["properties: { id: p.bigint('string').primary() }", ['id'], 'other'],
  ['properties: (p) => ({ key: p.uuid().primary(), n: p.integer() })', ['key'], 'other'],
  [
    'properties: { tenant: () => p.manyToOne(Tenant).primary(), id: p.integer().primary() }',
    ['tenant', 'id'],
    'other',
  ],
  ["properties: { id: { type: 'number', primary: true }, body: { type: 'string' } }", ['id'], 'integer'],
  ["properties: { id: { primary: true, type: 'uuid' } }", ['id'], 'other'],
  ["properties: { id: { type: 'bigint', primary: true } }", ['id'], 'unknown'],
])('reads the primary key of %j', (declaration, names, type) => {
  expect(primaryKeyIn(declaration)).toEqual({ names, type });
});

it('finds none where the declaration shows none', () => {
  expect(primaryKeyIn("@Property({ type: 'text' })\n  name!: string;")).toBeUndefined();
});
