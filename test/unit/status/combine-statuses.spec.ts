import { combineStatuses } from '../../../lib/status/combine-statuses.js';
import { IDLE_STATUS } from '../../../lib/status/idle-status.js';
import type { BackfillStatus } from '../../../lib/status/backfill-status.js';

const at = (minute: number) => new Date(Date.UTC(2030, 0, 1, 0, minute)).toISOString();

const of = (partition: string, fields: Partial<BackfillStatus>) =>
  ({
    ...IDLE_STATUS,
    name: `all.${partition}`,
    now: at(9),
    description: null,
    paramsSchema: null,
    takesParams: false,
    throttles: [],
    overrides: [],
    runId: null,
    workers: 1,
    warnings: [],
    ...fields,
  }) satisfies BackfillStatus;

const combined = (...states: Partial<BackfillStatus>[]) =>
  combineStatuses(
    'all',
    states.map((fields, i) => of(`p${i}`, fields)),
  );

describe('the status of all databases together', () => {
  it.each<[BackfillStatus['state'], BackfillStatus['state'][]]>([
    ['idle', ['idle', 'idle']],
    ['running', ['completed', 'failed', 'running']],
    ['verifying', ['verifying', 'paused']],
    ['paused', ['paused', 'failed', 'completed']],
    ['failed', ['failed', 'completed', 'cancelled']],
    ['cancelled', ['cancelled', 'completed']],
    ['idle', ['completed', 'idle']],
    ['completed', ['completed', 'completed']],
  ])('is %s of %j', (state, states) => {
    expect(combined(...states.map((each) => ({ state: each }))).state).toBe(state);
  });

  it('has the sums, and the state of each', () => {
    const held = { scope: 'run', by: null, reason: 'down', since: null, until: null } as const;
    const running = { state: 'running', runId: 'a', rowsDone: 10, rowsTotal: 40, percent: 25 } as const;
    expect(
      combined(
        { ...running, rowsTotalKind: 'exact', eta: at(30), rowsPerSecond: 1.5, startedAt: at(2), cursor: 7 },
        { ...running, rowsTotalKind: 'estimated', eta: at(20), held, warnings: ['slow'], startedAt: at(1) },
        { state: 'completed', runId: 'c', rowsDone: 20, rowsTotal: 20, percent: 100, finishedAt: at(3) },
      ),
    ).toMatchObject({
      name: 'all',
      state: 'running',
      runId: 'a+a+c',
      rowsDone: 40,
      rowsTotal: 100,
      rowsTotalKind: null,
      percent: 40,
      rowsPerSecond: 1.5,
      eta: at(30),
      held: null,
      startedAt: at(1),
      finishedAt: null,
      warnings: ['p1: slow'],
      cursor: { p0: 7, p1: null, p2: null },
      partitions: [
        { name: 'p0', backfill: 'all.p0', state: 'running', rows: 10, percent: 25, held: null },
        { name: 'p1', state: 'running', held },
        { name: 'p2', state: 'completed', rows: 20, rowsPerSecond: null },
      ],
    });
  });

  it('knows no total, percentage or end that is not known of each', () => {
    expect(
      combined(
        { state: 'running', runId: 'a', rowsDone: 5, rowsTotal: 10, percent: 50, eta: at(20) },
        { state: 'running', eta: null },
      ),
    ).toMatchObject({ runId: 'a+-', rowsTotal: null, percent: 25, eta: null });
  });

  it('is not at 100 % before all are, and held only where all that run are', () => {
    const held = { scope: 'all', by: 'ada', reason: 'incident', since: null, until: null } as const;
    expect(
      combined(
        { state: 'completed', rowsTotal: 100_000, percent: 100 },
        { state: 'running', rowsTotal: 1, percent: 0, held },
      ),
    ).toMatchObject({ percent: 99.9, held });
  });

  it('has a canary that passes where each does, and a verification where each has one', () => {
    const verdict = {
      passed: true,
      reason: 'passed',
      rowsDone: 4,
      rowsFailed: 1,
      failures: 1,
      rowsMissing: 0,
      rowsRepeated: 0,
      rowsRechecked: 0,
      throttles: 0,
      durationMs: 10,
      msPerRow: 2,
      verified: null,
    };
    const passed = { rows: 5, maxFailures: 1, handedOut: 5, state: 'passed', verdict } as const;
    const failed = {
      ...passed,
      state: 'failed',
      verdict: { ...verdict, passed: false, reason: 'too many' },
    } as const;
    const running = { ...passed, state: 'running', verdict: null } as const;
    const verified = { left: 0, swept: 2, sampled: 0, mismatched: 0, confidence: null };
    expect(combined({ canary: passed, verified }, { canary: passed, verified })).toMatchObject({
      canary: {
        rows: 10,
        maxFailures: 2,
        handedOut: 10,
        state: 'passed',
        verdict: { passed: true, reason: 'passed', rowsDone: 8, failures: 2, durationMs: 10, verified: null },
      },
      verified: { left: 0, swept: 4, sampled: 0 },
    });
    expect(combined({ canary: passed }, { canary: failed }).canary).toMatchObject({
      state: 'failed',
      verdict: { passed: false, reason: 'too many' },
    });
    expect(combined({ canary: passed }, { canary: running }).canary).toMatchObject({
      state: 'running',
      verdict: null,
    });
    expect(combined({ canary: passed, verified }, {})).toMatchObject({ canary: null, verified: null });
  });

  it('is as late as the latest of those that run', () => {
    const late = (by: number) => ({ eta: at(20), by, limitedBy: null, since: at(1) });
    expect(
      combined(
        { state: 'running', finishBy: at(5), late: late(2) },
        { state: 'running', finishBy: at(5), late: late(3) },
        { state: 'completed', finishBy: at(5) },
      ),
    ).toMatchObject({ finishBy: at(5), late: { by: 3 } });
  });
});
