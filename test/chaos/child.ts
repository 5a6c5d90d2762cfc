import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { BullModule } from '@nestjs/bullmq';
import { ConsoleLogger } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { IANAZone } from 'luxon';
import 'reflect-metadata';
import {
  BACKFILL_ENTITIES,
  BACKFILL_JOURNAL_ENTITIES,
  BackfillModule,
  BackfillService,
} from 'nestjs-backfill';
import { EntityManagers } from '../../lib/database/entity-managers.js';
import { RangeExecutor } from '../../lib/processing/range.executor.js';
import { RangeQueues } from '../../lib/queues/range.queues.js';
import { RedisConnections } from '../../lib/redis/redis-connections.js';
import { RedisErrorLog } from '../../lib/redis/redis-error.log.js';
import { BackfillKeys } from '../../lib/redis/backfill-keys.js';
import { FailureStore } from '../../lib/state/failure.store.js';
import { RangeStore } from '../../lib/state/range.store.js';
import { RunStore } from '../../lib/state/run.store.js';
import { recordClaims } from '../support/budget/record-claims.js';
import { answerParent, tellParent } from '../support/processes/index.js';
import { ChaosDoc, ChaosVersionedDoc } from './docs.entity.js';
import { dieAt, instrument } from './faults.js';
import { ChaosForm } from './forms.entity.js';
import { handlersOf, starts } from './handlers.js';
import type { ChildPlan } from './plan.js';
import { ChaosRow } from './rows.entity.js';

const plan = JSON.parse(process.env['CHAOS'] ?? '{}') as ChildPlan;
const pass = dieAt(plan.fault);
if (plan.recordsClaims) {
  recordClaims();
}

if (plan.clock) {
  const { skewMs, afterMs } = plan.clock;
  const real = Date.now.bind(Date);
  const from = performance.now() + afterMs;
  Date.now = () => real() + (performance.now() >= from ? skewMs : 0);
}

/** Sets the clocks on the walls of all zones: they show from now on what they show so many ms later. */
function setWallClocks(byMs: number): void {
  const real: (this: IANAZone, at: number) => number = Reflect.get(IANAZone.prototype, 'offset');
  IANAZone.prototype.offset = function offset(at: number) {
    return real.call(this, at + byMs) + byMs / 60_000;
  };
}

class ReportingLogger extends ConsoleLogger {
  protected override printMessages(messages: unknown[], context?: string): void {
    for (const message of messages) {
      tellParent({ log: `[${context ?? ''}] ${String(message)}` });
    }
  }
}

process.on('unhandledRejection', (error) => {
  tellParent({ log: `UNHANDLED ${String(error)} ${error instanceof Error ? error.stack : ''}` });
});

const withTracker = { inject: [RedisConnections, BackfillKeys] };
const testing = await Test.createTestingModule({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: plan.databaseUrl,
      entities: [
        ChaosRow,
        ChaosForm,
        ChaosDoc,
        ChaosVersionedDoc,
        ...(plan.ledger ? BACKFILL_ENTITIES : []),
        ...(plan.undo ? BACKFILL_JOURNAL_ENTITIES : []),
      ],
      pool: { min: 0, max: 10 },
    }),
    BullModule.forRoot({ connection: { url: plan.redisUrl } }),
    ScheduleModule.forRoot(),
    BackfillModule.forRoot({
      workers: plan.workers,
      keyPrefix: plan.keyPrefix,
      lockDuration: plan.lockDuration,
      shutdownTimeout: plan.shutdownTimeout,
      ledger: plan.ledger,
    }),
  ],
  providers: handlersOf(plan, pass),
})
  .overrideProvider(RangeStore)
  .useFactory({
    ...withTracker,
    factory: ({ client }: RedisConnections, keys: BackfillKeys) => {
      const rangeStore = new RangeStore(client, keys);
      const acknowledge = rangeStore.acknowledge.bind(rangeStore);
      rangeStore.acknowledge = async (run, done) => {
        const settled = await acknowledge(run, done);
        if (settled.status === 'completed' || settled.status === 'failed') {
          pass('completion');
        }
        return settled;
      };
      return instrument(
        rangeStore,
        'RangeStore',
        ['reserve', 'claim', 'acknowledge', 'settle', 'endCycle', 'release'],
        pass,
      );
    },
  })
  .overrideProvider(RunStore)
  .useFactory({
    ...withTracker,
    factory: ({ client }: RedisConnections, keys: BackfillKeys) =>
      instrument(new RunStore(client, keys), 'RunStore', ['start', 'move'], pass),
  })
  .overrideProvider(FailureStore)
  .useFactory({
    ...withTracker,
    factory: ({ client }: RedisConnections, keys: BackfillKeys) =>
      instrument(new FailureStore(client, keys), 'FailureStore', ['retry'], pass),
  })
  .overrideProvider(RangeQueues)
  .useFactory({
    inject: [RedisConnections, BackfillKeys, RedisErrorLog],
    factory: ({ client }: RedisConnections, keys: BackfillKeys, errors: RedisErrorLog) => {
      const queues = new RangeQueues(client, keys, errors);
      const add = queues.add.bind(queues);
      queues.add = async (backfill, runId, requests) => {
        const middle = Math.floor(requests.length / 2);
        pass('RangeQueues.add:before');
        await add(backfill, runId, requests.slice(0, middle));
        pass('RangeQueues.add:middle');
        await add(backfill, runId, requests.slice(middle));
        pass('RangeQueues.add:after');
      };
      return queues;
    },
  })
  .overrideProvider(RangeExecutor)
  .useFactory({
    inject: [EntityManagers],
    factory: (managers: EntityManagers) =>
      instrument(new RangeExecutor(managers), 'RangeExecutor', ['execute'], pass),
  })
  .setLogger(new ReportingLogger())
  .compile();

testing.enableShutdownHooks();
await testing.init();
const service = testing.get(BackfillService);

answerParent((method, args) => {
  if (method === 'starts') {
    return starts;
  }
  return method === 'setWallClocks'
    ? setWallClocks(Number(args[0]))
    : (Reflect.get(service, method) as (...args: unknown[]) => unknown).apply(service, [...args]);
});
