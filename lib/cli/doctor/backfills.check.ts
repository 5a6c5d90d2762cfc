import type { BackfillService } from '../../backfill.service.js';
import type { Finding } from './finding.js';

/** What each source says of its table, and what each status warns of. */
export async function checkBackfills(service: BackfillService): Promise<Finding[]> {
  const statuses = await service.list();
  if (statuses.length === 0) {
    const message = 'none is found: is a class with @Backfill among the providers of a module?';
    return [{ subject: 'backfills', level: 'warning', message }];
  }
  const findings: Finding[] = [];
  for (const { name, warnings } of statuses) {
    const subject = `backfill ${name}`;
    findings.push(...warnings.map((message): Finding => ({ subject, level: 'warning', message })));
    try {
      const preview = await service.preview(name, { limit: 1 });
      findings.push({ subject, level: 'ok', message: `${preview.total} ranges, ${preview.rowsTotal} rows` });
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
