import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BackfillModule, idRange, keyset, type BackfillSource } from 'nestjs-backfill';
import { appModules, createAppBench, defineBackfill } from '../../support/apps/index.js';

@Entity({ tableName: 'prices' })
class Price {
  @PrimaryKey({ type: 'integer', autoincrement: false })
  id!: number;

  @Property({ type: 'integer' })
  amount!: number;
}

const bench = await createAppBench();
await bench.database.query('CREATE TABLE prices (id int PRIMARY KEY, amount int NOT NULL)');

const sources: [string, BackfillSource<never, Price>][] = [
  ['keyset', keyset(Price, { orderBy: { id: 'asc' } }) as never],
  ['idRange', idRange(Price) as never],
];

it.each(sources)("%s reads rows as they are, past the app's cache of results", async (_, source) => {
  await bench.database.query('TRUNCATE prices');
  await bench.database.query('INSERT INTO prices SELECT g, 1 FROM generate_series(1, 20) g');
  const read: number[] = [];
  const handler = defineBackfill<never, Price>({
    name: 'prices',
    source,
    config: { batchSize: 10, perSecondOnPeak: null, perSecondOffPeak: null },
    processBatch: (prices) => void read.push(...prices.map(({ amount }) => amount)),
  });
  const { BullModule, ScheduleModule } = appModules(bench);
  const { backfills, finished } = await bench.start({
    handlers: [handler],
    only: [
      MikroOrmModule.forRoot({
        driver: PostgreSqlDriver,
        clientUrl: bench.database.url,
        entities: [Price],
        resultCache: { global: 600_000 },
      }),
      BullModule,
      ScheduleModule,
      BackfillModule.forRoot({}),
    ],
  });
  await backfills.start('prices');
  expect(await finished('prices')).toMatchObject({ state: 'completed', rowsDone: 20 });
  await bench.database.query('UPDATE prices SET amount = 2');
  read.length = 0;

  await backfills.start('prices');
  expect(await finished('prices')).toMatchObject({ state: 'completed', rowsDone: 20 });
  expect(new Set(read)).toEqual(new Set([2]));
});
