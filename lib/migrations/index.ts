export { batchExecute } from './batch-execute.js';
export type { BatchExecuteOptions, BatchProgress, BatchResult, KeyBounds } from './batch-execute.js';
export { ensureCompleted } from './ensure-completed.js';
export type { EnsureCompletedOptions } from './ensure-completed.js';
