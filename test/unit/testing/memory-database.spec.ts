import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import { LibSqlDriver, MikroORM } from '@mikro-orm/libsql';
import { array, Backfill, idRange, keyset, NonRetryableError } from 'nestjs-backfill';
import type { BackfillContext, BatchHandler, IdRange, RangeHandler, RowHandler } from 'nestjs-backfill';
import { BackfillHarness } from 'nestjs-backfill/testing';
import { sqliteDriver } from '../../../lib/testing/sqlite-driver.js';

const Customer = defineEntity({
  name: 'Customer',
  properties: { id: p.integer().primary(), email: p.string(), emailDomain: p.string().nullable() },
});
type CustomerRow = InferEntity<typeof Customer>;

const config = { batchSize: 4 };
const orderBy = { id: 'asc' } as const;
const domainOf = ({ email }: CustomerRow) => email.split('@')[1]?.toLowerCase() ?? '';

@Backfill({ source: keyset(Customer, { orderBy, where: { emailDomain: null } }), config })
class FillByBatch implements BatchHandler<CustomerRow> {
  processBatch(customers: CustomerRow[]): void {
    for (const customer of customers) customer.emailDomain = domainOf(customer);
  }
}

@Backfill({ source: keyset(Customer, { orderBy }), config: { ...config, rowConcurrency: 3 } })
class FillByRow implements RowHandler<CustomerRow> {
  processRow(customer: CustomerRow): void {
    if (customer.email === 'broken') throw new NonRetryableError('no address');
    customer.emailDomain = domainOf(customer);
  }
}

@Backfill({ source: idRange(Customer), config })
class FillByRange implements RangeHandler<IdRange<CustomerRow>> {
  async processRange({ where }: IdRange<CustomerRow>, { em }: BackfillContext): Promise<number> {
    const customers = await em.find(Customer, where);
    for (const customer of customers) customer.emailDomain = domainOf(customer);
    await em.flush();
    return customers.length;
  }
}

@Backfill({ source: keyset(Customer, { orderBy }), config })
class AppendByBatch implements BatchHandler<CustomerRow> {
  processBatch(customers: CustomerRow[]): void {
    for (const customer of customers) customer.email += '!';
  }
}

const opened: BackfillHarness[] = [];
afterEach(() => Promise.all(opened.splice(0).map((harness) => harness.close())));

function open(...args: ConstructorParameters<typeof BackfillHarness>): BackfillHarness {
  const harness = new BackfillHarness(...args);
  opened.push(harness);
  return harness;
}

const HANDLERS: [string, () => object][] = [
  ['batch', () => new FillByBatch()],
  ['row', () => new FillByRow()],
  ['range', () => new FillByRange()],
];

describe.each(HANDLERS)('BackfillHarness without an entity manager, with a %s handler', (_, handler) => {
  it('runs it over seeded rows', async () => {
    const harness = open(handler());
    await harness.seed(Customer, [
      { id: 1, email: 'Ana@Example.com' },
      { id: 7, email: 'none' },
    ]);

    const { rowsDone, failures } = await harness.runAll();

    expect({ rowsDone, failures }).toEqual({ rowsDone: 2, failures: [] });
    expect(await harness.rows(Customer)).toMatchObject([
      { id: 1, email: 'Ana@Example.com', emailDomain: 'example.com' },
      { id: 7, email: 'none', emailDomain: '' },
    ]);
    expect(await harness.rows(Customer, { id: 7 })).toHaveLength(1);
  });

  it('proves it idempotent without reset and snapshot', async () => {
    const harness = open(handler());
    await harness.seed(Customer, 10);

    expect(await harness.expectIdempotent()).toBeGreaterThan(3);
  });

  it('rolls a dry run back, and continues after a crash', async () => {
    const harness = open(handler());
    await harness.seed(Customer, 10);

    expect(await harness.runAll({ dryRun: true })).toMatchObject({ state: 'completed', rowsDone: 10 });
    expect((await harness.rows(Customer)).map(({ emailDomain }) => emailDomain)).toEqual(
      Array.from({ length: 10 }, () => null),
    );
    expect((await harness.crashAfter(1)).state).toBe('crashed');
    expect((await harness.runAll()).state).toBe('completed');
    expect(await harness.rows(Customer, { emailDomain: null })).toEqual([]);
  });

  it('handles nothing without rows', async () => {
    expect(await open(handler()).runAll()).toMatchObject({ state: 'completed', handled: 0, rowsDone: 0 });
  });
});

describe('BackfillHarness without an entity manager', () => {
  it('has a database of its own, which is empty again after close', async () => {
    const [one, other] = [open(new FillByBatch()), open(new FillByBatch())];
    await one.seed(Customer, 2);

    expect(await other.rows(Customer)).toEqual([]);
    await one.close();
    expect(await one.rows(Customer)).toEqual([]);
    await one.seed(Customer, 1);
    expect(await one.runAll()).toMatchObject({ rowsDone: 1 });
  });

  it('seeds by a function, whose changes are flushed', async () => {
    const harness = open(new FillByBatch());
    await harness.seed((em) => em.create(Customer, { email: 'a@b.c' }));
    await harness.seed((em) => em.insertMany(Customer, [{ email: 'd@e.f' }, { email: 'g@h.i' }]));

    expect(await harness.runAll()).toMatchObject({ rowsDone: 3 });
    const em = await harness.em();
    expect(await em.count(Customer, { emailDomain: 'e.f' })).toBe(1);
  });

  it('isolates the row that fails, and runs one range', async () => {
    const harness = open(new FillByRow());
    await harness.seed(Customer, [{ email: 'a@b.c' }, { email: 'broken' }, { email: 'd@e.f' }]);

    expect(await harness.runAll()).toMatchObject({
      state: 'failed',
      rowsDone: 2,
      failures: [{ kind: 'row', error: { message: 'no address' } }],
    });
    await expect(harness.runRange({ from: { id: 2 } })).rejects.toThrow('no address');
  });

  it('rejects a handler that is not idempotent, and one that handled nothing', async () => {
    const harness = open(new AppendByBatch());
    await expect(harness.expectIdempotent()).rejects.toThrow('Expected rows to be handled, got none');

    await harness.seed(Customer, 5);
    await expect(harness.expectIdempotent()).rejects.toThrow(/A crash after checkpoint \d+ /);
  });

  it('restores also the ids that the database generates', async () => {
    const Copy = defineEntity({
      name: 'Copy',
      properties: { id: p.integer().primary(), of: p.integer().unique() },
    });
    @Backfill({ source: keyset(Customer, { orderBy }), config })
    class CopyCustomers implements BatchHandler<CustomerRow> {
      async processBatch(customers: CustomerRow[], { em }: BackfillContext): Promise<void> {
        const known = await em.find(Copy, { of: { $in: customers.map(({ id }) => id) } });
        for (const { id } of customers) {
          if (!known.some((copy) => copy.of === id)) em.create(Copy, { of: id });
        }
      }
    }
    const harness = open(new CopyCustomers(), { orm: { entities: [Copy] } });
    await harness.seed(Customer, 6);

    expect(await harness.expectIdempotent()).toBeGreaterThan(2);
    expect((await harness.rows(Copy)).map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes the entities of the handler where the source has none', async () => {
    @Backfill({ source: array(() => ['a@b.c', 'd@e.f']) })
    class Invite implements RowHandler<string> {
      async processRow(email: string, { em }: BackfillContext): Promise<void> {
        await em.upsert(Customer, { id: email.codePointAt(0), email });
      }
    }
    const harness = open(new Invite(), { orm: { entities: [Customer] } });

    expect(await harness.runAll()).toMatchObject({ rowsDone: 2, failures: [] });
    expect((await harness.rows(Customer)).map(({ email }) => email)).toEqual(['a@b.c', 'd@e.f']);
    await expect(open(new Invite()).runAll()).rejects.toThrow(
      /"invite" expected entities .*source of kind "array-items".*\{ orm: \{ entities/,
    );
  });

  it('names the packages of which none is installed', async () => {
    await expect(
      sqliteDriver('fill', [{ name: '@mikro-orm/absent', driver: 'AbsentDriver' }]),
    ).rejects.toMatchObject({
      code: 'BACKFILL_HARNESS_DATABASE',
      message: expect.stringMatching(
        /"fill" expected a driver .*@mikro-orm\/absent.*npm install --save-dev @mikro-orm\/absent@\d+\.\d+\.\d+.*\{ em: orm\.em \}/,
      ) as string,
    });
    expect(await sqliteDriver('fill')).toBe(LibSqlDriver);
  });

  it('says what to give it where SQLite cannot create the tables', async () => {
    const Account = defineEntity({
      name: 'Account',
      properties: { id: p.integer().primary(), settings: p.json().defaultRaw("'{}'::jsonb") },
    });
    @Backfill({ source: keyset(Account, { orderBy }) })
    class Renew implements BatchHandler<InferEntity<typeof Account>> {
      processBatch(): void {}
    }

    await expect(open(new Renew()).runAll()).rejects.toMatchObject({
      code: 'BACKFILL_HARNESS_DATABASE',
      message: expect.stringMatching(/"renew" cannot be created: .*\{ em: orm\.em \}/s) as string,
    });
  });

  it('is not asked to open a database that the variables of the environment name', async () => {
    process.env['MIKRO_ORM_CLIENT_URL'] = 'postgresql://localhost/production';
    process.env['MIKRO_ORM_DB_NAME'] = 'production';
    try {
      const harness = open(new FillByBatch());
      await harness.seed(Customer, 1);
      expect((await harness.em()).config.get('dbName')).toBe(':memory:');
    } finally {
      delete process.env['MIKRO_ORM_CLIENT_URL'];
      delete process.env['MIKRO_ORM_DB_NAME'];
    }
  });
});

describe('BackfillHarness with an entity manager', () => {
  it('seeds and reads there, and neither restores nor compares rows by itself', async () => {
    const orm = await MikroORM.init({ dbName: ':memory:', entities: [Customer] });
    await orm.schema.create();
    const harness = open(new FillByBatch(), { em: orm.em });
    await harness.seed(Customer, [{ email: 'a@b.c' }]);

    expect(await harness.runAll()).toMatchObject({ rowsDone: 1 });
    expect(await orm.em.fork().count(Customer, { emailDomain: 'b.c' })).toBe(1);
    for (const [reset, snapshot] of [[], [async () => undefined]]) {
      await expect(harness.expectIdempotent(reset, snapshot)).rejects.toMatchObject({
        code: 'BACKFILL_HARNESS_DATABASE',
        message: expect.stringMatching(/expected `reset` and `snapshot`/) as string,
      });
    }
    await harness.close();
    expect(await orm.em.fork().count(Customer)).toBe(1);
    await orm.close(true);
  });

  it('takes no options of a database that it does not open', async () => {
    const orm = await MikroORM.init({ dbName: ':memory:', entities: [Customer] });
    expect(() => open(new FillByBatch(), { em: orm.em, orm: {} })).toThrow(/either `em` or `orm`, got both/);
    await orm.close(true);
  });
});
