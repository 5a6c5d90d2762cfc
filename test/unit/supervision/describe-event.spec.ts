import { describe, expect, it } from '@jest/globals';
import type { BackfillEvent } from '../../../lib/state/backfill-event.js';
import { describeEvent } from '../../../lib/supervision/describe-event.js';

function eventOf(type: string, data: object): BackfillEvent {
  return {
    id: '1-0',
    backfill: 'orders',
    runId: 'r1',
    at: '2026-01-01T00:00:00.000Z',
    type,
    data,
  } as BackfillEvent;
}

describe('an event in the log', () => {
  it.each([
    ['started', { dryRun: false, by: 'alice', reason: 'ticket 7' }, 'started by alice: ticket 7'],
    ['started', { dryRun: true }, 'started as a dry run'],
    [
      'started',
      { dryRun: false, canary: { rows: 1_000 }, by: 'al' },
      'started with a canary of 1,000 rows by al',
    ],
    [
      'started',
      { dryRun: false, undoes: 'r0', by: 'al', reason: 'wrong' },
      'started to undo run r0 by al: wrong',
    ],
    [
      'late',
      {
        finishBy: Date.parse('2026-01-01T06:00:00Z'),
        eta: '2026-01-01T07:30:00.000Z',
        by: 5_400_000,
        limitedBy: { kind: 'throttle', name: 'lag', value: 0.5, reason: 'replication lag 9 s' },
      },
      'expected to end at 2026-01-01T07:30:00.000Z, 1 h 30 min after 2026-01-01T06:00:00.000Z at the least: ' +
        'throttle lag: replication lag 9 s',
    ],
    [
      'late',
      { finishBy: Date.parse('2026-01-01T06:00:00Z'), eta: null, by: 60_000, limitedBy: null },
      'expected late, 1 min after 2026-01-01T06:00:00.000Z at the least',
    ],
    [
      'onTime',
      { finishBy: Date.parse('2026-01-01T06:00:00Z'), since: 1, eta: null },
      'expected to end in time again, by 2026-01-01T06:00:00.000Z',
    ],
    ['canaryEnded', { passed: true, reason: 'canary passed: 5 rows' }, 'canary passed: 5 rows'],
    [
      'paused',
      { by: 'nestjs-backfill', reason: 'no range can succeed' },
      'paused by nestjs-backfill: no range can succeed',
    ],
    ['paused', { recovered: true }, 'paused as it was restored'],
    ['resumed', { by: null, reason: null }, 'resumed'],
    ['resumed', { retry: true }, 'resumed to retry failures'],
    ['resumed', { adoptVersion: '2', version: '1', by: 'bob' }, 'resumed with version 2 by bob'],
    [
      'heldAll',
      { by: 'ada', reason: 'incident 42', since: 0, until: 60_000 },
      'all backfills are held until 1970-01-01T00:01:00.000Z by ada: incident 42',
    ],
    [
      'heldAll',
      { by: null, reason: 'deploy freeze', since: 0, until: null },
      'all backfills are held: deploy freeze',
    ],
    [
      'releasedAll',
      { by: 'bob', reason: null, held: 'incident 42', since: 0, ended: 90_000 },
      'all backfills go on after 1 min 30 s by bob; they were held: incident 42',
    ],
    ['cancelled', { by: 'bob' }, 'cancelled by bob'],
    ['verifying', { phase: 'count', round: 0, left: null }, 'verifying, count'],
    ['verifying', { phase: 'sweep', round: 2, left: 1_200 }, 'verifying, sweep 2: 1,200 rows left'],
    [
      'released',
      { reason: 'replication lag 48 s', since: 0, ended: 250_000 },
      'goes on after 4 min 10 s: replication lag 48 s',
    ],
    [
      'deployed',
      { version: '2', from: null, processes: 3 },
      'worked on by 3 new processes, version none is now 2',
    ],
    ['deployed', { version: '2', from: '2', processes: 1 }, 'worked on by 1 new process'],
    ['completed', { failures: 0 }, 'completed'],
    ['failed', { failures: 1, rowsMissing: 2 }, 'failed: 1 failure, 2 rows missing'],
    [
      'throttled',
      { reason: 'the database is unreachable', until: Date.UTC(2026, 0, 1) },
      'held until 2026-01-01T00:00:00.000Z: the database is unreachable',
    ],
  ])('%s', (type, data, text) => {
    expect(describeEvent(eventOf(type, data))).toBe(text);
  });

  it.each([
    ['throttled', { reason: 'on peak', perSecond: 3, pressure: null }],
    ['held', { reason: 'the configured rate is 0' }],
    ['planned', { ranges: 3, target: 9 }],
    ['rangeCompleted', { done: 3, index: 2 }],
    ['quarantined', { name: 'Error', message: 'no', at: '2026-01-01T00:00:00.000Z' }],
    ['configured', { patch: {}, from: {} }],
  ])('%s is no change of the state of a run', (type, data) => {
    expect(describeEvent(eventOf(type, data))).toBeNull();
  });
});
