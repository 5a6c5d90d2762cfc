import { countOf } from '../../errors/count-of.js';
import type { BackfillService } from '../../backfill.service.js';
import type { Finding } from './finding.js';

/**
 * Reports the warnings of each status, and plans each backfill to check its source and its table.
 *
 * @param hasDatabase whether the database answers; without it nothing can be planned
 */
export async function checkBackfills(service: BackfillService, hasDatabase: boolean): Promise<Finding[]> {
  const statuses = await service.list();
  if (statuses.length === 0) {
    const message = 'none found; add a class with @Backfill to the providers of a module';
    return [{ subject: 'backfills', level: 'warning', message }];
  }
  const findings: Finding[] = [];
  for (const { name, warnings } of statuses) {
    const subject = `backfill ${name}`;
    findings.push(...warnings.map((message): Finding => ({ subject, level: 'warning', message })));
    if (!hasDatabase) {
      const message = 'not planned, because the database does not answer';
      findings.push({ subject, level: 'skipped', message });
      continue;
    }
    try {
      const preview = await service.preview(name, { limit: 1 });
      findings.push({
        subject,
        level: 'ok',
        message: `${countOf(preview.total, 'range')}, ${countOf(preview.rowsTotal, 'row')}`,
      });
      findings.push(
        ...preview.warnings.map(({ message }): Finding => ({ subject, level: 'warning', message })),
      );
    } catch (error) {
      findings.push({
        subject,
        level: 'problem',
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }
  return findings;
}
