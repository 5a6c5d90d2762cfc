import { BigIntType, Collection, DecimalType, EntitySchema } from '@mikro-orm/core';

/** An entity with a property of each type that can be a key. */
export class Item {
  id!: bigint;
  number!: number;
  digits!: string;
  code!: string;
  uuid!: string;
  amount!: string;
  at!: Date;
  naive!: Date;
  day!: string;
  flag!: boolean;
  bytes!: Buffer;
  address!: Address;
  owner!: Owner;
  sparse!: number | null;
  hidden!: boolean;
}

export class Address {
  city!: string;
}

export class Owner {
  id!: number;
  name!: string;
  items = new Collection<Item>(this);
}

export class Pair {
  left!: number;
  right!: string;
  note!: string;
}

export class Ticket {
  id!: number;
  score!: number;
  price!: number;
  tags!: string[];
  settings!: object;
  total!: number;
}

export class Parcel {
  id!: string;
}

/** Not among the entities of the configuration. */
export class Unregistered {
  id!: number;
}

export const AddressSchema = new EntitySchema<Address>({
  class: Address,
  embeddable: true,
  properties: { city: { type: 'text' } },
});

export const OwnerSchema = new EntitySchema<Owner>({
  class: Owner,
  tableName: 'owners',
  properties: {
    id: { type: 'integer', primary: true },
    name: { type: 'text' },
    items: { kind: '1:m', entity: () => Item, mappedBy: 'owner' },
  },
});

export const ItemSchema = new EntitySchema<Item>({
  class: Item,
  tableName: 'items',
  schema: 'other schema',
  filters: { visible: { name: 'visible', cond: { hidden: false }, default: true } },
  properties: {
    id: { type: new BigIntType('bigint'), primary: true },
    number: { type: 'integer', fieldName: 'the number' },
    digits: { type: new BigIntType('string') },
    code: { type: 'text' },
    uuid: { type: 'uuid', unique: true },
    amount: { type: new DecimalType('string'), columnType: 'numeric' },
    at: { type: 'datetime', columnType: 'timestamptz(6)' },
    naive: { type: 'datetime', columnType: 'timestamp(6)' },
    day: { type: 'date' },
    flag: { type: 'boolean' },
    bytes: { type: 'blob' },
    address: { kind: 'embedded', entity: () => Address },
    owner: { kind: 'm:1', entity: () => Owner },
    sparse: { type: 'integer', nullable: true },
    hidden: { type: 'boolean', default: false },
  },
});

export const PairSchema = new EntitySchema<Pair>({
  class: Pair,
  tableName: 'pairs',
  properties: {
    left: { type: 'integer', primary: true },
    right: { type: 'text', primary: true },
    note: { type: 'text' },
  },
});

export const TicketSchema = new EntitySchema<Ticket>({
  class: Ticket,
  tableName: 'tickets',
  properties: {
    id: { type: 'integer', primary: true },
    score: { type: 'double', default: 0 },
    price: { type: new DecimalType('number'), default: 0 },
    tags: { type: 'string[]', array: true, default: [] },
    settings: { type: 'json', default: '{}' },
    total: { type: 'integer', persist: false },
  },
});

export const ParcelSchema = new EntitySchema<Parcel>({
  class: Parcel,
  tableName: 'parcels',
  properties: { id: { type: new BigIntType('string'), primary: true } },
});

export const schemas = [AddressSchema, OwnerSchema, ItemSchema, PairSchema, TicketSchema, ParcelSchema];

/** The columns that a test sets; the others have defaults derived from the id. */
export type ItemRow = { id: bigint } & Partial<
  Record<Exclude<keyof Item, 'id' | 'address' | 'owner'> | 'city' | 'owner_id', unknown>
>;
