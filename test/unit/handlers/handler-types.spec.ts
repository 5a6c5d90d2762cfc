import { compileCodes } from '../../support/compile-codes.js';

const AROUND = `
import { Entity, PrimaryKey, Property, ManyToOne } from '@mikro-orm/decorators/legacy';
import { defineEntity, p, PrimaryKeyProp } from '@mikro-orm/core';
import type { EntityName, Opt, Ref } from '@mikro-orm/core';
import { applyDecorators, Injectable } from '@nestjs/common';
import { type as arktype } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { array, Backfill, csvFile, idRange, keyset } from 'nestjs-backfill';
import type { ArrayRange, BackfillContext, BackfillOptions, BackfillRange, BackfillSource, BatchHandler, CsvRange, CsvRecord, IdRange, KeysetRange, ParamsOf, PlanRequest, RangeHandler, RowHandler, RowVerifier, SourceContext, SourceOpening, SourcePlan } from 'nestjs-backfill';
@Entity() class Customer {
  @PrimaryKey({ type: 'integer' }) id!: number;
  @Property({ type: 'text' }) name!: string;
}
@Entity() class Order {
  @PrimaryKey({ type: 'bigint' }) id!: bigint;
  @Property({ type: 'integer' }) total!: number;
  @ManyToOne(() => Customer) customer!: Customer;
}
@Entity() class Token {
  @PrimaryKey({ type: 'uuid' }) id!: string;
  @Property({ type: 'integer' }) serial!: number;
}
@Entity() class Line {
  [PrimaryKeyProp]?: ['order', 'line'];
  @ManyToOne(() => Order, { primary: true }) order!: Order;
  @PrimaryKey({ type: 'integer' }) line!: number;
}
@Entity() class Parcel {
  @PrimaryKey({ type: 'integer' }) number!: number;
}
@Entity() class Legacy {
  @PrimaryKey({ type: 'bigint' }) id!: string;
}
const Account = defineEntity({ name: 'Account', properties: { id: p.integer().primary(), name: p.string() } });
const customers = keyset(Customer, { orderBy: { id: 'asc' } });
class Numbers implements BackfillSource {
  readonly kind = 'numbers';
  open(_: SourceContext): Promise<SourceOpening> { throw new Error(); }
  plan(_: SourceContext, _request: PlanRequest): Promise<SourcePlan> { throw new Error(); }
}
class Csv extends Numbers {
  async load() { return [{ line: 'a;b' }]; }
}
interface Price { article: string; cents: number }
const prices = csvFile('prices.csv', { parse: ({ article = '', price }): Price => ({ article, cents: Number(price) }) });
const keyed = z.object({ keyId: z.string(), since: z.coerce.date() });
export type { ParamsOf, RowVerifier };
export { arktype, keyed, v, z };
export type { ArrayRange, BackfillContext, BackfillOptions, BackfillRange, BatchHandler, CsvRange, CsvRecord, EntityName, IdRange, KeysetRange, Opt, Price, RangeHandler, Ref, RowHandler };
export { Account, applyDecorators, array, Backfill, Csv, csvFile, Customer, customers, idRange, Injectable, keyset, Legacy, Line, Numbers, Order, Parcel, prices, Token };
`;

/** What an author may write, and what it should be refused with. */
const WRONG = {
  'a batch handler of another entity': `
    @Backfill({ source: customers })
    class Wrong implements BatchHandler<Order> { processBatch(orders: Order[]) { orders.pop(); } }`,
  'a row handler of another entity': `
    @Backfill({ source: customers })
    class Wrong implements RowHandler<Order> { async processRow(order: Order) { order.total = 1; } }`,
  'a range handler of idRange on a keyset': `
    @Backfill({ source: customers })
    class Wrong implements RangeHandler<IdRange> { processRange({ begin }: IdRange) { return Number(begin); } }`,
  'a range handler of a keyset on idRange': `
    @Backfill({ source: idRange(Customer) })
    class Wrong implements RangeHandler<KeysetRange> { processRange({ first }: KeysetRange) { return Number(first); } }`,
  'ids of another type': `
    @Backfill({ source: idRange(Order) })
    class Wrong { processRange({ begin }: IdRange<Order, number>) { return begin; } }`,
  'a class without a method': `
    @Backfill({ source: customers })
    class Wrong { process() {} }`,
  'an empty class': `
    @Backfill({ source: customers })
    class Wrong {}`,
  'a batch handler of other rows than the source of its own loads': `
    @Backfill({ source: new Csv() })
    class Wrong implements BatchHandler<Order> { processBatch(orders: Order[]) { orders.pop(); } }`,
  'an inherited method of another entity': `
    abstract class Base<T> implements BatchHandler<T> { abstract change(row: T): void; processBatch(rows: T[]) { rows.forEach((row) => this.change(row)); } }
    @Backfill({ source: customers })
    class Wrong extends Base<Order> { change(order: Order) { order.total = 1; } }`,
  'idRange on a uuid': `
    @Backfill({ source: idRange(Token) })
    class Wrong implements RangeHandler { processRange() {} }`,
  'idRange on a composite key': `
    @Backfill({ source: idRange(Line) })
    class Wrong implements RangeHandler { processRange() {} }`,
  'idRange by a property that is no integer': `idRange(Customer, { key: 'nme' });`,
  'an unknown key of orderBy': `keyset(Customer, { orderBy: { nmae: 'asc' } });`,
  'an unknown key of orderBy in an array': `keyset(Customer, { orderBy: [{ nmae: 'asc' }] });`,
  'an unknown nested key of orderBy': `keyset(Order, { orderBy: { customer: { nmae: 'asc' } } });`,
  'an unknown direction of orderBy': `keyset(Customer, { orderBy: { id: 'up' } });`,
  'no orderBy': `keyset(Customer, {});`,
  'a batch handler of other rows than parse makes': `
    @Backfill({ source: prices })
    class Wrong implements BatchHandler<CsvRecord> { processBatch(rows: CsvRecord[]) { rows.pop(); } }`,
  'a row handler of objects on a CSV file without parse': `
    @Backfill({ source: csvFile('prices.csv') })
    class Wrong implements RowHandler<Price> { processRow(price: Price) { price.cents = 1; } }`,
  'a range handler of idRange on a CSV file': `
    @Backfill({ source: prices })
    class Wrong implements RangeHandler<IdRange> { processRange({ where }: IdRange) { return where ? 1 : 0; } }`,
  'a parse that makes no objects': `csvFile('prices.csv', { parse: ({ price }) => Number(price) });`,
  'a row handler of other items than the array has': `
    @Backfill({ source: array(() => ['AT', 'PT']) })
    class Wrong implements RowHandler<number> { processRow(it: number) { return void it; } }`,
  'a handler of other parameters than the schema makes': `
    @Backfill({ source: customers, params: keyed })
    class Wrong implements RowHandler<Customer> { processRow(row: Customer, { params }: BackfillContext<{ keyId: number }>) { row.id = params.keyId; } }`,
  'a handler of parameters without a schema': `
    @Backfill({ source: customers })
    class Wrong implements RowHandler<Customer> { processRow(row: Customer, { params }: BackfillContext<{ keyId: string }>) { row.name = params.keyId; } }`,
  'a source of parameters that the schema does not make': `
    @Backfill({ params: keyed, source: ({ params }) => keyset(Customer, { orderBy: { id: 'asc' }, where: { name: params.key } }) })
    class Wrong { processRow() {} }`,
  'a row handler of another entity than the source of the parameters has': `
    @Backfill({ params: keyed, source: ({ params }) => keyset(Customer, { orderBy: { id: 'asc' }, where: { name: params.keyId } }) })
    class Wrong implements RowHandler<Order> { processRow(order: Order) { order.total = 1; } }`,
  'parameters that are no schema': `
    @Backfill({ source: customers, params: { keyId: 'string' } })
    class Wrong { processRow() {} }`,
  'a keyOf that returns no key': `array(() => [{ code: 'AT' }], { keyOf: (it) => it });`,
};

const RIGHT = {
  'handlers of the entity': `
    @Backfill({ source: customers }) class A implements BatchHandler<Customer> { processBatch(rows: Customer[], _: BackfillContext) { rows.pop(); } }
    @Backfill({ source: customers }) class B implements RowHandler<Customer> { async processRow(row: Customer) { row.name = ''; } }
    @Backfill({ source: customers }) class C implements RangeHandler<KeysetRange<Customer>> { async processRange({ where }: KeysetRange<Customer>) { return where ? 1 : 0; } }
    @Backfill({ source: customers }) class D { processRow() {} }`,
  'range handlers with less exact types': `
    @Backfill({ source: idRange(Order) }) class A implements RangeHandler { processRange() {} }
    @Backfill({ source: idRange(Order) }) class B implements RangeHandler<IdRange> { processRange({ begin }: IdRange) { return Number(begin); } }
    @Backfill({ source: idRange(Order) }) class C implements RangeHandler<IdRange<Order>> { processRange({ where }: IdRange<Order>) { return where ? 1 : 0; } }
    @Backfill({ source: idRange(Order) }) class D implements RangeHandler { processRange({ begin }: IdRange<Order, bigint>) { return Number(begin); } }
    @Backfill({ source: customers }) class E implements RangeHandler<BackfillRange> { processRange({ index }: BackfillRange) { return index; } }`,
  'rows as a part or an interface of the entity': `
    interface Named { name: string }
    @Backfill({ source: customers }) class A implements BatchHandler<Named> { processBatch(rows: Named[]) { rows.pop(); } }
    @Backfill({ source: customers }) class B implements RowHandler<Pick<Customer, 'id'>> { processRow(row: Pick<Customer, 'id'>) { return void row.id; } }`,
  'abstract, generic and injected classes': `
    abstract class Base<T> implements BatchHandler<T> { protected abstract change(row: T): void; processBatch(rows: T[]) { rows.forEach((row) => this.change(row)); } }
    @Backfill({ source: customers }) class A extends Base<Customer> { constructor(readonly names: string[]) { super(); } protected change(row: Customer) { row.name = ''; } }
    @Backfill({ source: customers }) abstract class B implements BatchHandler<Customer> { abstract processBatch(rows: Customer[]): void; }
    @Backfill({ source: customers }) class C<T extends { id: number }> implements RowHandler<T> { processRow(row: T) { return void row.id; } }
    @Backfill({ source: customers }) class D { private constructor() {} static create() { return new D(); } processRow(_: Customer) {} }`,
  'factories of handlers': `
    const composed = (options: BackfillOptions) => applyDecorators(Backfill(options), Injectable());
    @composed({ source: customers }) class A implements BatchHandler<Customer> { processBatch(rows: Customer[]) { rows.pop(); } }
    function archive<E extends object>(entity: EntityName<E>) {
      @Backfill({ source: idRange(entity) }) class Ranges implements RangeHandler<IdRange<E>> { processRange({ where }: IdRange<E>) { return where ? 1 : 0; } }
      @Backfill({ source: idRange(entity) }) class Rows implements BatchHandler<E> { processBatch(rows: E[]) { rows.pop(); } }
      return [Ranges, Rows];
    }
    archive(Customer);`,
  'handlers of parameters': `
    @Backfill({ source: customers, params: keyed }) class A implements RowHandler<Customer> { processRow(row: Customer, { params }: BackfillContext<z.infer<typeof keyed>>) { row.name = params.keyId + params.since.getTime(); } }
    @Backfill({ source: customers, params: keyed }) class B implements BatchHandler<Customer, ParamsOf<typeof keyed>>, RowVerifier<Customer, ParamsOf<typeof keyed>> { processBatch(rows: Customer[], ctx: BackfillContext<ParamsOf<typeof keyed>>) { rows.pop(); return void ctx.params.keyId; } verifyRow(row: Customer) { return row.name === ''; } }
    @Backfill({ params: keyed, source: ({ params }) => keyset(Customer, { orderBy: { id: 'asc' }, where: { name: params.keyId } }), verify: { row: (row, { params }) => row.name === params.keyId } }) class C implements RowHandler<Customer> { processRow(row: Customer) { row.name = ''; } }
    @Backfill({ source: ({ params }) => idRange(Customer, { where: { name: params.keyId } }), params: v.object({ keyId: v.string() }) }) class D { processRange(_: IdRange, { params }: BackfillContext<{ keyId: string }>) { return params.keyId.length; } }
    @Backfill({ source: () => customers, params: arktype({ keyId: 'string' }) }) class E { processRow(row: Customer, { params }: BackfillContext<{ keyId: string }>) { row.name = params.keyId; } }
    @Backfill({ source: customers, params: keyed }) class F { processRow(row: Customer, { dryRun }: BackfillContext) { return void [row, dryRun]; } }`,
  'handlers of CSV files and arrays': `
    @Backfill({ source: prices }) class A implements BatchHandler<Price> { processBatch(rows: Price[]) { rows.pop(); } }
    @Backfill({ source: prices }) class B implements RowHandler<{ cents: number }> { processRow(row: { cents: number }) { row.cents = 1; } }
    @Backfill({ source: prices }) class C implements RangeHandler<CsvRange> { processRange({ line, begin, end }: CsvRange) { return line + end - begin; } }
    @Backfill({ source: csvFile('prices.csv', { delimiter: ';', columns: ['id'] }) }) class D implements BatchHandler<CsvRecord> { processBatch(rows: CsvRecord[]) { rows.pop(); } }
    @Backfill({ source: csvFile(async function* () { yield new Uint8Array(1); }) }) class E { processRow(row: Record<string, string>) { return void row; } }
    @Backfill({ source: array(() => ['AT', 'PT']) }) class F implements RowHandler<string> { processRow(it: string) { return void it; } }
    @Backfill({ source: array(async () => [{ code: 'AT' }] as const, { keyOf: ({ code }) => code }) }) class G { processBatch(rows: { readonly code: string }[]) { rows.pop(); } }
    @Backfill({ source: array(() => [1, 2]) }) class H implements RangeHandler<ArrayRange> { processRange({ begin, end }: ArrayRange) { return end - begin; } }`,
  'sources of all kinds': `
    @Backfill({ source: new Numbers() }) class A implements RangeHandler<BackfillRange & { begin: number }> { processRange({ begin }: BackfillRange & { begin: number }) { return begin; } }
    @Backfill({ source: new Csv() }) class B implements BatchHandler<{ line: string }> { processBatch(rows: { line: string }[]) { rows.pop(); } }
    const any: BackfillSource = customers;
    @Backfill({ source: any }) class C implements BatchHandler<Order> { processBatch(rows: Order[]) { rows.pop(); } }
    @Backfill({ source: idRange(Account) }) class D implements BatchHandler<{ name: string }> { processBatch(rows: { name: string }[]) { rows.pop(); } }
    @Backfill({ source: idRange(Parcel, { key: 'number' }) }) class E { processRange({ begin }: IdRange<Parcel, number>) { return begin; } }
    @Backfill({ source: idRange(Parcel) }) class F { processRange() {} }
    @Backfill({ source: idRange(Token, { key: 'serial' }) }) class G { processRange({ begin }: IdRange<Token, number>) { return begin; } }
    @Backfill({ source: idRange(Legacy, { key: 'id' }) }) class H { processRange({ begin }: IdRange<Legacy, string>) { return Number(begin); } }
    @Backfill({ source: keyset(Order, { orderBy: [{ customer: { name: 'asc' } }, { id: 'DESC' }] }) }) class I { processBatch(rows: Order[]) { rows.pop(); } }`,
};

describe('the types of @Backfill and the sources', () => {
  let problems: string[][];
  beforeAll(() => {
    problems = compileCodes(
      [...Object.values(WRONG), ...Object.values(RIGHT)].map((code) => AROUND + code),
      'test/unit/handlers',
    );
  });

  it.each(Object.keys(WRONG).map((what, i) => ({ what, i })))('refuse $what', ({ i }) => {
    expect(problems[i]).toHaveLength(1);
    expect(problems[i]?.[0]).toMatchSnapshot();
  });

  it.each(Object.keys(RIGHT).map((what, i) => ({ what, i: Object.keys(WRONG).length + i })))(
    'accept $what',
    ({ i }) => {
      expect(problems[i]).toEqual([]);
    },
  );
});
