import { defineEntity, EntitySchema, p, Type } from '@mikro-orm/core';
import { Backfill, keyset } from 'nestjs-backfill';
import type { BatchHandler } from 'nestjs-backfill';
import { BackfillHarness } from 'nestjs-backfill/testing';

enum Plan {
  Free = 'free',
  Paid = 'paid',
}

const Address = defineEntity({
  name: 'Address',
  embeddable: true,
  properties: { street: p.string(), zip: p.string().length(5), floor: p.integer().nullable() },
});

const Company = defineEntity({
  name: 'Company',
  properties: { id: p.integer().primary(), name: p.string().unique() },
});

const Person = defineEntity({
  name: 'Person',
  properties: {
    id: p.uuid().primary(),
    email: p.string().unique(),
    code: p.string().length(3),
    plan: p.enum(() => Plan),
    age: p.integer(),
    views: p.bigint(),
    price: p.decimal(),
    score: p.double(),
    active: p.boolean(),
    born: p.date(),
    opens: p.time(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().onCreate(() => new Date(0)),
    level: p.integer().default(7),
    tags: p.array(),
    settings: p.json<{ theme?: string }>(),
    photo: p.blob(),
    note: p.text().nullable(),
    address: p.embedded(Address),
    company: () => p.manyToOne(Company),
    partner: () => p.manyToOne(Company).nullable(),
  },
});

let nextSerial = 100;

class Message {
  id!: number;
  text!: string;
  status = 'new';
  serial = nextSerial++;
}

const messageSchema = new EntitySchema<Message>({
  class: Message,
  properties: {
    id: { type: 'integer', primary: true },
    text: { type: 'string' },
    status: { type: 'string' },
    serial: { type: 'integer' },
  },
});

class Money {
  constructor(readonly cents: number) {}
}

class MoneyType extends Type<Money, number> {
  override convertToDatabaseValue({ cents }: Money): number {
    return cents;
  }

  override getColumnType(): string {
    return 'integer';
  }
}

const Bill = defineEntity({
  name: 'Bill',
  properties: { id: p.integer().primary(), total: p.type(MoneyType) },
});

class Employee {
  id!: number;
  head!: Employee;
}

const employeeSchema = new EntitySchema<Employee>({
  class: Employee,
  properties: { id: { type: 'integer', primary: true }, head: { kind: 'm:1', entity: () => Employee } },
});

@Backfill({ source: keyset(Company, { orderBy: { id: 'asc' } }) })
class Visit implements BatchHandler<unknown> {
  processBatch(): void {}
}

const harness = new BackfillHarness(new Visit(), {
  orm: { entities: [Person, Company, messageSchema, Bill, employeeSchema] },
});
afterEach(() => harness.close());

describe('seed', () => {
  it('fills in what rows need, by its type', async () => {
    await harness.seed(Person, 3);

    const people = await harness.rows(Person);
    expect(people.map(({ id, email, code }) => [id, email, code])).toEqual([
      ['00000000-0000-4000-8000-000000000001', 'email 1', '1'],
      ['00000000-0000-4000-8000-000000000002', 'email 2', '2'],
      ['00000000-0000-4000-8000-000000000003', 'email 3', '3'],
    ]);
    expect(people[1]).toMatchObject({
      plan: 'free',
      age: 2,
      views: 2n,
      price: '2',
      score: 2,
      active: false,
      born: '2026-01-01',
      opens: '00:00:00',
      createdAt: new Date('2026-01-01T00:00:01.000Z'),
      updatedAt: new Date(0),
      level: 7,
      tags: [],
      settings: {},
      note: null,
      address: { street: 'address_street 2', zip: '2', floor: null },
      company: { id: 1 },
      partner: null,
    });
    expect(await harness.rows(Company)).toMatchObject([{ id: 1, name: 'name 1' }]);
  });

  it('takes what rows say, and answers the rows', async () => {
    const company = { name: 'Ltd' };
    const [ana, ben] = await harness.seed(Person, [{ email: 'ana', note: 'x', level: 1, company }, {}]);

    expect([ana?.email, ben?.email, ben?.level]).toEqual(['ana', 'email 2', 7]);
    expect(await harness.rows(Person, { email: 'ana' })).toMatchObject([{ note: 'x', level: 1 }]);
    expect((await harness.rows(Company)).map(({ name }) => name).toSorted()).toEqual(['Ltd', 'name 1']);
  });

  it('continues to count in a further call, and keeps the initial values of a class', async () => {
    await harness.seed(Message, 2);
    await harness.seed(Message, [{}, { status: 'read' }]);

    expect(await harness.rows(Message)).toMatchObject([
      { id: 1, text: 'text 1', status: 'new' },
      { id: 2, text: 'text 2', status: 'new' },
      { id: 3, text: 'text 3', status: 'new' },
      { id: 4, text: 'text 4', status: 'read' },
    ]);
    const serials = (await harness.rows(Message)).map(({ serial }) => serial);
    expect(Math.min(...serials)).toBeGreaterThanOrEqual(100);
  });

  it('asks for a value of a type of the app, and for a row that refers to one of its own entity', async () => {
    await expect(harness.seed(Bill, 1)).rejects.toMatchObject({
      code: 'BACKFILL_SEED_VALUE',
      message: expect.stringMatching(
        /Bill\.total, got none\..*MoneyType.*seed\(Bill, \[\{ total: /,
      ) as string,
    });
    await expect(harness.seed(Employee, 1)).rejects.toMatchObject({
      code: 'BACKFILL_SEED_VALUE',
      message: expect.stringMatching(/Employee\.head.*needs a row of itself/) as string,
    });
    await harness.seed(Bill, [{ total: new Money(5) }]);
    expect(await harness.rows(Bill)).toHaveLength(1);
  });
});
