import type { BackfillConfig } from '../config/backfill-config.js';
import type { RegisteredBackfill } from '../handlers/registered-backfill.js';
import type { RunRecord } from '../state/run-record.js';

/** What an operator should know of a run that this process has no handler, workers or matching code for. */
export function warningsOf(
  run: RunRecord,
  backfill: RegisteredBackfill | undefined,
  workers: number,
  config: BackfillConfig | null,
): string[] {
  const warnings: string[] = [];
  if (!backfill) {
    warnings.push(
      `This app has no handler named "${run.name}": the run waits until one comes back. Or cancel it.`,
    );
    return warnings;
  }
  const { version, source } = backfill;
  if (run.status === 'running' && workers === 0) {
    warnings.push('No process holds workers for this backfill: start one with workers: true.');
  }
  if (run.version !== null && run.version !== version) {
    warnings.push(`The run was started under version ${run.version}; this process has ${version ?? 'none'}.`);
  }
  if (run.sourceKind !== source.kind) {
    warnings.push(`The run walks a source of kind ${run.sourceKind}; this process has ${source.kind}.`);
  }
  if (!config) {
    warnings.push(
      `The config of "${run.name}" in Redis is corrupt; set the field that lastError names anew.`,
    );
  }
  return warnings;
}
