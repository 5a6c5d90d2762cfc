export { batchExecute } from './batch-execute.js';
export type {
  BatchExecuteOptions,
  BatchProgress,
  BatchResult,
  BatchTarget,
  KeyBounds,
  MigrationLike,
} from './batch-options.js';
export { ensureCompleted } from './ensure-completed.js';
export type { EnsureCompletedOptions } from './ensure-completed.js';
