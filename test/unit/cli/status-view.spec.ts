import { statusLines } from '../../../lib/cli/output/status-view.js';
import type { BackfillStatus } from '../../../lib/status/backfill-status.js';

const STATUS: BackfillStatus = {
  name: 'renew',
  description: null,
  state: 'running',
  stateReason: null,
  pausedBy: null,
  runId: 'x',
  dryRun: false,
  version: null,
  adoptVersion: null,
  planned: 3,
  done: 1,
  outstanding: 2,
  failed: 0,
  rowsDone: 1,
  rowsFailed: 1,
  rowsMissing: 1,
  rowsRechecked: 1,
  verified: null,
  rowsTotal: 1,
  rowsTotalKind: 'exact',
  percent: 50,
  rangesPerSecond: 1,
  rowsPerSecond: 1,
  eta: null,
  rate: { perSecond: 7.5, reason: 'off peak' },
  callsPerSecond: null,
  throttlePressure: 0,
  workers: 1,
  warnings: [],
  cursor: null,
  startedAt: '2030-01-01T00:00:00.000Z',
  finishedAt: null,
  startedBy: null,
  reason: null,
  lastError: null,
};

function text(status: Partial<BackfillStatus>): string {
  return statusLines({ ...STATUS, ...status }, (_format, part) => part, Date.parse('2030-01-01')).join('\n');
}

describe('a status as text', () => {
  it('has the singular of one', () => {
    expect(text({})).toContain('1 of 1 row\n');
    expect(text({})).toContain('; 1 row failed; 1 row missing;');
    expect(text({})).toContain('now 1 range/s, 1 row/s; 1 worker process');
  });

  it('has the plural of all else', () => {
    const more = text({
      rowsDone: 0,
      rowsTotal: 2,
      rowsFailed: 1200,
      rowsMissing: 2,
      workers: 0,
      rowsPerSecond: 0.5,
    });
    expect(more).toContain('0 of 2 rows\n');
    expect(more).toContain('; 1,200 rows failed; 2 rows missing;');
    expect(more).toContain('now 1 range/s, 0.5 rows/s; 0 worker processes');
  });
});
