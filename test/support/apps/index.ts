export { createAppBench, type AppBench } from './app-bench.js';
export { appModules, startBackfillApp, type BackfillApp, type BackfillAppSetup } from './backfill-app.js';
export { databaseContext, startsInContexts } from './database-contexts.js';
export { defineBackfill } from './define-backfill.js';
export { eventually } from './eventually.js';
export { createLedgerBench, type LedgerBench } from './ledger-bench.js';
export { CREATE_ITEMS, Item } from './item.entity.js';
export { LogRecorder } from './log-recorder.js';
export { numbers, type NumberRange, type NumberRow } from './number.source.js';
