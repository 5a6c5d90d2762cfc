import type { BackfillOverviewEntry } from '../../../lib/status/backfill-overview.js';
import { IDLE_STATUS } from '../../../lib/status/idle-status.js';
import { OverviewChanges } from '../../../lib/status/overview-changes.js';

const NOW = 1_900_000_000_000_000;
const SECOND = 1_000_000;

function entry(name: string, done = 0, now = ''): BackfillOverviewEntry {
  return {
    ...IDLE_STATUS,
    name,
    now,
    description: null,
    paramsSchema: null,
    takesParams: false,
    runId: null,
    workers: 0,
    warnings: [],
    throttles: [],
    overrides: [],
    recent: [],
    done,
  };
}

function names(changes: OverviewChanges, revision: string | undefined, entries: BackfillOverviewEntry[]) {
  return changes.since(revision, entries).map(({ name }) => name);
}

describe('what has changed since a revision', () => {
  it('is what differs, apart from the time', () => {
    const changes = new OverviewChanges();
    const first = changes.record([entry('a'), entry('b', 1, 'then')], NOW);
    const later = [entry('a', 2), entry('b', 1, 'now'), entry('c')];
    const second = changes.record(later, NOW + SECOND);
    expect(names(changes, undefined, later)).toEqual(['a', 'b', 'c']);
    expect(names(changes, first, later)).toEqual(['a', 'c']);
    expect(names(changes, second, later)).toEqual([]);
    // Of another process, between the two reads.
    expect(names(changes, (NOW + 5).toString(36), later)).toEqual(['a', 'c']);
    // Of another process that has read after this one.
    expect(names(changes, (NOW + 1.5 * SECOND).toString(36), later)).toEqual([]);
  });

  it.each(['', 'x', 'zzzzzzzzzzzz', '-1', (NOW - 1).toString(36), 'ünknown'])(
    'is everything for %p',
    (revision) => {
      const changes = new OverviewChanges();
      changes.record([entry('a')], NOW);
      expect(names(changes, revision, [entry('a')])).toEqual(['a']);
    },
  );

  it('is everything until the clock of Redis is past the time from which it was set back', () => {
    const changes = new OverviewChanges();
    const before = changes.record([entry('a')], NOW);
    const back = changes.record([entry('a', 1)], NOW - SECOND);
    expect(names(changes, before, [entry('a', 1)])).toEqual(['a']);
    expect(names(changes, back, [entry('a', 1)])).toEqual(['a']);
    const again = changes.record([entry('a', 1)], NOW + 1);
    expect(names(changes, again, [entry('a', 1)])).toEqual([]);
    expect(names(changes, before, [entry('a', 1)])).toEqual(['a']);
  });
});
