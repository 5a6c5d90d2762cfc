import { BackfillStateError } from '../../../lib/errors/backfill-state.error.js';
import { parseRun } from '../../../lib/state/run-record.js';
import { RunParser } from '../../../lib/state/run.parser.js';

type Hash = Readonly<Record<string, string>>;

const FIRST: Hash = {
  id: 'r1',
  name: 'work',
  status: 'running',
  startedAt: '1000',
  sourceKind: 'numbers',
  seq: '1',
  next: '10',
  planned: '20',
  done: '10',
  failed: '0',
  rowsDone: '100',
  rowsFailed: '0',
  progress: '100',
  rowsTotal: '1000',
  cycle: '3',
  target: '20',
  interval: '100000',
  stateSince: 'running|0|1000|0',
  rateSince: '100000|1500',
  params: '{"tenant":{"id":7}}',
  partitions: '[{"name":"one","bounds":{"first":1}},{"name":"two","bounds":{"first":2}}]',
  'cursor:one': '{"id":5}',
  'cursor:two': '{"id":6}',
  'progress:one': '60',
  canary: 'running',
  canaryRows: '10',
};

/** What may happen to a run from one read to the next. */
const LATER: readonly (readonly [what: string, change: Hash | ((hash: Hash) => Hash)])[] = [
  ['nothing', {}],
  ['counters', { done: '11', rowsDone: '110', progress: '110', 'progress:one': '70' }],
  ['a cursor', { 'cursor:two': '{"id":60}', seq: '2' }],
  ['a partition that had no cursor', { 'cursor:three': '[1]' }],
  ['a cursor that is gone', (hash) => without(hash, 'cursor:one')],
  ['a rate, without the time since when', { interval: '200000' }],
  ['an optional field that is gone', (hash) => without(hash, 'params', 'canary')],
  ['an optional field that is there again', { params: '{"tenant":{"id":8}}', canary: 'passed' }],
  ['a pause', { status: 'paused', reason: 'enough', pausedBy: 'dora', stateSince: 'paused|0|3000|11' }],
  ['another run', { id: 'r2', status: 'running', done: '0', stateSince: 'running|0|9000|0' }],
  ['an undo', { undoes: 'r1' }],
];

function without(hash: Hash, ...fields: readonly string[]): Hash {
  return Object.fromEntries(Object.entries(hash).filter(([field]) => !fields.includes(field)));
}

describe('the parser of runs that are read again and again', () => {
  it('answers what parsing all of a run does, whatever has changed', () => {
    const parser = new RunParser();
    let hash = FIRST;
    expect(parser.parse('work', hash)).toEqual(parseRun(hash));
    for (const [what, change] of LATER) {
      hash = typeof change === 'function' ? change(hash) : { ...hash, ...change };
      expect({ what, run: parser.parse('work', hash) }).toEqual({ what, run: parseRun(hash) });
    }
  });

  it('has the same parts again of fields that have not changed', () => {
    const parser = new RunParser();
    const first = parser.parse('work', FIRST);
    const later = parser.parse('work', { ...FIRST, done: '11', 'cursor:two': '{"id":7}' });
    expect(later.done).toBe(11);
    expect(later.params).toBe(first.params);
    expect(later.partitions).toBe(first.partitions);
    expect(later.cursors['one']).toBe(first.cursors['one']);
    expect(later.cursors).toEqual({ one: { id: 5 }, two: { id: 7 } });
    expect(first.cursors).toEqual({ one: { id: 5 }, two: { id: 6 } });
  });

  it('freezes the parts, as they are shared', () => {
    const { params, partitions, cursors } = new RunParser().parse('work', FIRST);
    const { tenant } = params as { tenant: object };
    const parts = [params, tenant, partitions, partitions?.[0], cursors, cursors['one']];
    expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('takes no backfill for another', () => {
    const parser = new RunParser();
    parser.parse('work', FIRST);
    const other = { ...FIRST, id: 'r9', name: 'other', params: '{"tenant":{"id":9}}' };
    expect(parser.parse('other', other)).toEqual(parseRun(other));
    expect(parser.parse('work', FIRST)).toEqual(parseRun(FIRST));
  });

  it.each([
    ['done', { done: 'many' }],
    ['params', { params: '{' }],
    ['cursor:one', { 'cursor:one': '{' }],
    ['status', { status: 'lost' }],
  ])('refuses a %s that cannot be read, and reads it once it is mended', (field, broken) => {
    const parser = new RunParser();
    parser.parse('work', FIRST);
    const hash = { ...FIRST, ...broken };
    for (const read of [() => parser.parse('work', hash), () => parseRun(hash)]) {
      expect(read).toThrow(BackfillStateError);
      expect(read).toThrow(`field "${field}"`);
    }
    expect(parser.parse('work', FIRST)).toEqual(parseRun(FIRST));
  });
});
