import { Logger } from '@nestjs/common';
import type { Provider } from '@nestjs/common';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { APP_SCHEDULE } from '../app-imports.js';
import { ConfigStore } from '../config/config.store.js';
import { BackfillRegistry } from '../handlers/backfill.registry.js';
import { EntityManagers } from '../database/entity-managers.js';
import { made } from '../made-provider.js';
import { RESOLVED_OPTIONS } from '../config/module-options.js';
import type { ResolvedModuleOptions } from '../config/module-options.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RunResumer } from '../supervision/run.resumer.js';
import { BackfillKeys } from '../redis/backfill-keys.js';
import { HistoryStore } from '../state/history.store.js';
import { PROCESS_ID } from '../redis/process-id.js';
import { RunStore } from '../state/run.store.js';
import { BackfillLedger } from './backfill.ledger.js';
import { LedgerChecker } from './ledger.checker.js';
import { LedgerWriter } from './ledger.writer.js';
import { LedgerReader } from './ledger.reader.js';
import { LedgerStore } from './ledger.store.js';
import { RunRestorer } from './run.restorer.js';
import { RunSnapshots } from './run-snapshot.js';

const logger = () => new Logger('Backfill');

/** The durable ledger and what it is made of. */
export const LEDGER_PROVIDERS: Provider[] = [
  made(
    LedgerStore,
    [EntityManagers, BackfillKeys],
    (managers, { prefix }) => new LedgerStore(managers, prefix),
  ),
  made(LedgerChecker, [EntityManagers], (managers) => new LedgerChecker(managers)),
  made(RunSnapshots, [RedisConnections, BackfillKeys], ({ client }, keys) => new RunSnapshots(client, keys)),
  made(
    LedgerWriter,
    [
      RedisConnections,
      BackfillKeys,
      BackfillRegistry,
      RunStore,
      ConfigStore,
      HistoryStore,
      RunSnapshots,
      LedgerStore,
    ],
    ({ client }, ...parts) => new LedgerWriter(client, ...parts),
  ),
  made(
    RunRestorer,
    [RedisConnections, BackfillKeys, PROCESS_ID, BackfillRegistry, LedgerStore],
    ({ client }, keys, processId: string, registry, store) =>
      new RunRestorer(client, keys, processId, registry, store, logger()),
  ),
  made(
    BackfillLedger,
    [
      RESOLVED_OPTIONS,
      RedisConnections,
      BackfillKeys,
      PROCESS_ID,
      APP_SCHEDULE,
      LedgerChecker,
      LedgerWriter,
      RunRestorer,
      RunStore,
      RunResumer,
    ],
    (
      { ledger }: ResolvedModuleOptions,
      { client },
      keys,
      processId: string,
      schedule: SchedulerRegistry,
      ...parts
    ) => new BackfillLedger(ledger, client, keys, processId, schedule, ...parts, logger()),
  ),
  made(LedgerReader, [BackfillLedger, LedgerStore], (...parts) => new LedgerReader(...parts)),
];
