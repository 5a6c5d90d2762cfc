import { statusLines } from '../../../lib/cli/output/status-view.js';
import type { BackfillStatus } from '../../../lib/status/backfill-status.js';

const STATUS: BackfillStatus = {
  name: 'renew',
  now: '2030-01-01T00:00:00.000Z',
  description: null,
  state: 'running',
  stateSince: null,
  stateReason: null,
  pausedBy: null,
  runId: 'x',
  dryRun: false,
  version: null,
  adoptVersion: null,
  params: null,
  paramsSchema: null,
  takesParams: false,
  planned: 3,
  done: 1,
  outstanding: 2,
  failed: 0,
  rowsDone: 1,
  rowsFailed: 1,
  rowsMissing: 1,
  rowsRechecked: 1,
  journaled: 0,
  undoes: null,
  conflicts: 0,
  verified: null,
  canary: null,
  finishBy: null,
  late: null,
  rowsTotal: 1,
  rowsTotalKind: 'exact',
  percent: 50,
  rangesPerSecond: 1,
  rowsPerSecond: 1,
  eta: null,
  forecast: null,
  rate: { perSecond: 7.5, reason: 'off peak' },
  concurrency: null,
  budget: null,
  held: null,
  activeAt: null,
  stalled: null,
  callsPerSecond: null,
  throttlePressure: 0,
  throttles: [],
  overrides: [],
  workers: 1,
  warnings: [],
  cursor: null,
  partitions: [],
  startedAt: '2030-01-01T00:00:00.000Z',
  finishedAt: null,
  startedBy: null,
  reason: null,
  lastError: null,
};

function text(status: Partial<BackfillStatus>): string {
  return statusLines({ ...STATUS, ...status }, (_format, part) => part).join('\n');
}

describe('a status as text', () => {
  it('has the singular of one', () => {
    expect(text({})).toContain('1 of 1 row\n');
    expect(text({})).toContain('; 1 row failed; 1 row missing;');
    expect(text({})).toContain('now 1 range/s, 1 row/s; 1 worker process');
  });

  it('has the run that it undoes, and how many rows that has left', () => {
    const lines = text({ undoes: 'w', conflicts: 2 });
    expect(lines).toContain('  undoes run w\n');
    expect(lines).toContain('\n  2 rows left unchanged: conflicts renew --run x\n');
    expect(text({})).not.toMatch(/undoes|left unchanged/);
  });

  it('has the concurrency that is found', () => {
    const since = '2030-01-01T00:00:00.000Z';
    const concurrency = {
      unit: 'ranges',
      value: 3.5,
      min: 1,
      max: 32,
      reason: 'lowered: lag 12 s',
      since,
    } as const;
    expect(text({ concurrency })).toContain(
      '\n  concurrency 3.5 ranges at once in each process, of 1 to 32 (lowered: lag 12 s)\n',
    );
    expect(text({})).not.toContain('concurrency');
  });

  it('has a line for each partition, with what is known of it', () => {
    const partition = { name: 'eu', cursor: 12, rows: 500, rowsTotal: 1000, percent: 50, rowsPerSecond: 1 };
    const lines = text({
      partitions: [
        partition,
        { ...partition, name: 'us', cursor: null, rows: null, percent: null, rowsPerSecond: null },
        ...Array.from({ length: 19 }, (_, i) => ({ ...partition, name: `t${i}` })),
      ],
    });
    expect(lines).toContain('\n  partition eu: 50.0 %, 500 of 1,000 rows, 1 row/s, cursor 12\n');
    expect(lines).toContain('\n  partition us: ? %, at its beginning\n');
    expect(lines).toContain('\n  and 1 partition more\n');
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

  it('says since when a run is paused, by whom and why', () => {
    const paused = { state: 'paused', now: '2030-01-01T00:52:00.000Z' } as const;
    const since = { stateSince: '2030-01-01T00:00:00.000Z' };
    expect(text({ ...paused, ...since, pausedBy: 'carol', stateReason: 'lunch\nand more' })).toContain(
      '\n  paused 52 min ago by carol: lunch\n',
    );
    expect(text({ ...paused, ...since })).toContain('\n  paused 52 min ago\n');
    // Of a run that an earlier version paused.
    expect(text({ ...paused, stateReason: 'lunch' })).toContain('\n  paused: lunch\n');
  });

  it('says when a run ended, and how long it took', () => {
    const ended = { startedAt: '2030-01-01T00:38:11.000Z', finishedAt: '2030-01-01T00:38:13.500Z' };
    expect(text({ ...ended, state: 'completed' })).toContain('completed at 2030-01-01T00:38:13Z, took 3 s');
    expect(text({ ...ended, state: 'cancelled', stateReason: 'wrong column' })).toContain(
      'cancelled at 2030-01-01T00:38:13Z, took 3 s: wrong column',
    );
  });

  it('says why nothing moves, though the run is running', () => {
    const held = {
      scope: 'run' as const,
      by: null,
      reason: 'replication lag 48 s',
      since: '2030-01-01T00:38:00.000Z',
      until: null,
    };
    expect(text({ held })).toContain('\n  held: replication lag 48 s, since 2030-01-01T00:38:00Z\n');
    const until = '2030-01-01T00:39:00.000Z';
    expect(text({ held: { ...held, since: null, until } })).toContain(
      '\n  held: replication lag 48 s, until 2030-01-01T00:39:00Z\n',
    );
    const quiet = { activeAt: '2030-01-01T00:00:00.000Z', now: '2030-01-01T00:12:00.000Z' };
    const waitingFor = { kind: 'unknown', reason: 'a lock', notes: [], details: {} } as const;
    expect(text({ stalled: { since: quiet.activeAt, waitingFor }, ...quiet })).toContain(
      '\n  stalled: nothing done for 12 min, waiting for a lock\n',
    );
    const all = { ...held, scope: 'all' as const, by: 'ada', reason: 'incident 42' };
    expect(text({ held: all })).toContain(
      '\n  held with all backfills by ada: incident 42, since 2030-01-01T00:38:00Z\n',
    );
    expect(text({})).not.toMatch(/held|stalled|ago/);
  });

  it('tells how far a canary is, and its verdict', () => {
    const canary = { rows: 1_000, maxFailures: 1, handedOut: 250, state: 'running' } as const;
    expect(text({ canary: { ...canary, verdict: null } })).toContain(
      '\n  canary: 250 of 1,000 rows handed out, passes with at most 1 failure\n',
    );
    const verdict = {
      passed: true,
      reason: 'canary passed: 1000 rows handed out, no failures',
      rowsDone: 1_000,
      rowsFailed: 0,
      failures: 0,
      rowsMissing: 0,
      rowsRepeated: 20,
      rowsRechecked: 0,
      throttles: 2,
      durationMs: 97_000,
      msPerRow: 1.25,
      verified: { sampled: 1_000, mismatched: 0 },
    };
    expect(text({ canary: { ...canary, state: 'passed', verdict } })).toContain(
      '\n  canary passed: 1000 rows handed out, no failures\n' +
        '    took 1 min 37 s, 1.25 ms a row, rows claimed again: 20, held or slowed down: 2, 0 of 1,000 verified rows wrong\n',
    );
    const msPerRow = { low: 1.1, expected: 1.2, high: 1.3 };
    const forecast = {
      forecast: {
        measuredAt: '2030-01-01T00:00:00.000Z',
        measured: { rows: 50, batches: 5 },
        rowsTotal: 1_000,
        durationMs: null,
        limitedBy: null,
        msPerRow,
        databaseMs: null,
        walBytes: null,
        walBytesPerSecond: null,
        hotShare: null,
        tableGrowthBytes: null,
        indexGrowthBytes: null,
        calls: null,
        quotaMs: null,
        untouched: null,
      },
      actual: { durationMs: 97_000, rows: 1_000, rowsPerSecond: 10, serverWalBytes: null },
    };
    expect(text({ canary: { ...canary, state: 'passed', verdict }, forecast })).toContain(
      '1.25 ms a row (forecast: 1.1 to 1.3), ',
    );
    const both = {
      forecast: { ...forecast.forecast, walBytes: { low: 1e6, expected: 2e6, high: 3e6 } },
      actual: { ...forecast.actual, serverWalBytes: 2_500_000 },
    };
    expect(text({ forecast: both, finishedAt: '2030-01-01T00:01:37.000Z' })).toContain(
      'forecast: no end; took 1 min 37 s for 1,000 rows; write-ahead log 2 MB (1 MB to 3 MB), the whole server wrote 2.5 MB',
    );
    expect(text({ forecast })).toContain('forecast: no end; so far 1 min 37 s for 1,000 rows\n');
  });

  it('has when it should end, and why it will not', () => {
    const finishBy = '2030-01-01T06:00:00.000Z';
    expect(text({ finishBy })).toContain('  should end by 2030-01-01T06:00:00Z');
    const limitedBy = {
      kind: 'rate',
      name: 'perSecondOnPeak',
      value: 3,
      reason: '3 ranges a second',
    } as const;
    const late = { since: '2030-01-01T00:00:00.000Z', eta: null, by: 5_400_000, limitedBy };
    expect(text({ finishBy, late })).toContain(
      '  late: ends at least 1 h 30 min later than 2030-01-01T06:00:00Z: perSecondOnPeak: 3 ranges a second',
    );
    const byThrottle = { kind: 'throttle', name: 'lag', value: 0.5, reason: 'lag 3 s' } as const;
    expect(text({ finishBy, late: { ...late, limitedBy: byThrottle } })).toContain(
      'Z: throttle lag: lag 3 s',
    );
    expect(text({ finishBy, late: { ...late, limitedBy: null } })).toContain(
      'later than 2030-01-01T06:00:00Z',
    );
    expect(text({ finishBy, finishedAt: finishBy })).not.toContain('should end');
  });

  it('counts the time until the end by the clock of Redis', () => {
    expect(text({ now: '2030-01-01T00:00:00.000Z', eta: '2030-01-01T00:01:37.000Z' })).toContain(
      'ETA 2030-01-01T00:01:37Z, in 1 min 37 s',
    );
  });
});
