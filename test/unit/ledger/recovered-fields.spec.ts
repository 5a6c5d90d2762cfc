import type { LedgerCheckpoint, LedgerRun } from '../../../lib/ledger/ledger-rows.js';
import { recoveredFields } from '../../../lib/ledger/recovered-fields.js';
import { decodeEntry, toClaimed } from '../../../lib/state/range-entry.js';

const run = { status: 'paused', statusReason: 'lunch', finishedAt: null } as LedgerRun;

function checkpoint(change: Partial<LedgerCheckpoint> = {}): LedgerCheckpoint {
  return {
    runId: 'r1',
    takenAt: new Date(0),
    revision: 0,
    cursors: {},
    state: {
      id: 'r1',
      next: '40',
      seq: '7',
      cycle: '3',
      done: '30',
      moment: '99',
      holdUntil: '5',
      'cursor:': '12',
    },
    work: ['4|3|2|170|38x2|10|[{"low":1}]', '1|0|0|0|39a1|1|{"k":["a|b"],"p":""}'],
    failuresThrough: 5,
    ...change,
  };
}

it('gives no range an index that a process may still work on', () => {
  const { fields, work } = recoveredFields(run, checkpoint());
  expect(work.map(([index]) => index)).toEqual([1_000_000_000, 1_000_000_001]);
  expect(fields).toMatchObject({ next: '1000000002', seq: '1000000000', cycle: '1000000000' });
});

it('goes further each time', () => {
  const once = recoveredFields(run, checkpoint());
  const twice = recoveredFields(
    run,
    checkpoint({ state: { ...once.fields }, failuresThrough: once.failuresFrom + 2 }),
  );
  expect(twice.work[0]?.[0]).toBe(2_000_000_000);
  expect(twice.fields['seq']).toBe('2000000000');
  expect(twice.failuresFrom).toBe(2_000_000_000);
});

it('keeps what a range is worth and what it cost, and nobody holds it', () => {
  const { work } = recoveredFields(run, checkpoint());
  expect(work.map(([index, entry]) => toClaimed(index, decodeEntry(entry)))).toMatchObject([
    { claims: 0, crashes: 0, attempts: 2, rows: 10, payload: { kind: 'range', range: { low: 1 } } },
    { claims: 0, crashes: 0, attempts: 0, rows: 1, payload: { kind: 'rows', keys: ['a|b'] } },
  ]);
  expect(work.map(([, entry]) => decodeEntry(entry).notBefore)).toEqual([170, 0]);
});

it('keeps counters, cursors and status, and drops the volatile fields', () => {
  const { fields } = recoveredFields(run, checkpoint());
  expect(fields).toMatchObject({ status: 'paused', reason: 'lunch', done: '30', 'cursor:': '12' });
  expect(fields).not.toHaveProperty('moment');
  expect(fields).not.toHaveProperty('holdUntil');
});

it('brings no work back to a cancelled run', () => {
  const { work, fields } = recoveredFields({ ...run, status: 'cancelled' }, checkpoint());
  expect(work).toEqual([]);
  expect(fields['status']).toBe('cancelled');
});

it('plans an undo again whose outstanding ranges the writer of the checkpoint has not seen', () => {
  const undo = { ...run, status: 'running', planned: 40, done: 30, failed: 1 } as LedgerRun;
  const { state } = checkpoint();
  const unseen = { state: { ...state, undoes: 'r0', exhausted: '1', 'cursor:': '  {"key":"12"}' }, work: [] };
  expect(recoveredFields(undo, checkpoint(unseen)).fields).toMatchObject({
    'cursor:': '  null',
    exhausted: '0',
    done: '30',
  });
  const seen = [{ ...undo, planned: 31 }, undo] as const;
  for (const [i, one] of seen.entries()) {
    const work = i === 0 ? [] : checkpoint().work;
    expect(recoveredFields(one, checkpoint({ ...unseen, work })).fields).toMatchObject({
      'cursor:': '  {"key":"12"}',
      exhausted: '1',
    });
  }
});
