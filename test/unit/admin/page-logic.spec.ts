import type { LimitingFactor } from '../../../lib/state/limiting-factor.js';
import type { BackfillStatus } from 'nestjs-backfill';

const UI = new URL('../../../lib/admin/ui/', import.meta.url);
const load = async (name: string): Promise<unknown> => import(new URL(name, UI).href) as Promise<unknown>;

type Status = Partial<BackfillStatus> & Record<string, unknown>;
type Words = readonly (string | { readonly text: string })[];
interface Section {
  readonly id: string;
  readonly items: readonly { readonly name: string }[];
}
interface Sample {
  readonly at: number;
  readonly done: number;
  readonly perSecond: number | null;
  readonly concurrency?: number;
}

const { wordsOf } = (await load('words.js')) as { wordsOf: (status: Status, now: number) => Words };
const { groupOf, badgeOf } = (await load('status-groups.js')) as {
  groupOf: (status: Status, now: number) => string;
  badgeOf: (status: Status, now: number) => { text: string };
};
const { sectionsOf } = (await load('list-filter.js')) as {
  sectionsOf: (statuses: readonly Status[], filter: object, now: number) => Section[];
};
const { seriesOf } = (await load('chart-series.js')) as {
  seriesOf: (samples: readonly Sample[]) => (number | null)[][];
};
const { patchOf } = (await load('config-values.js')) as {
  patchOf: (
    config: object,
    edits: Record<string, string>,
  ) => { patch: object; errors: Record<string, string> };
};
const { fieldErrors } = (await load('field-errors.js')) as {
  fieldErrors: (error: object, known: readonly string[]) => Record<string, string>;
};

const { peakBands } = (await load('peak.js')) as {
  peakBands: (config: object, from: number, to: number) => [number, number][];
};

const { latenessOf } = (await load('lateness.js')) as {
  latenessOf: (status: Status, now: number) => Words | null;
};

const NOW = Date.parse('2026-11-28T12:00:00Z');
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();
const status = (patch: Status): Status => ({
  name: 'a',
  state: 'running',
  failed: 0,
  rowsFailed: 0,
  workers: 2,
  warnings: [],
  rate: { perSecond: 5, reason: 'off peak' },
  throttlePressure: 0,
  startedAt: at(600),
  stateSince: at(600),
  finishedAt: null,
  held: null,
  stalled: null,
  ...patch,
});
const said = (patch: Status): string =>
  wordsOf(status(patch), NOW)
    .map((word) => (typeof word === 'string' ? word : word.text))
    .join('');

describe('when a run should end', () => {
  const finishBy = new Date(NOW + 3_600_000).toISOString();
  const words = (patch: Status) => latenessOf({ finishBy, finishedAt: null, late: null, ...patch }, NOW);
  const late = (limitedBy: LimitingFactor | null) => ({
    late: { since: finishBy, eta: null, by: 5_400_000, limitedBy },
  });

  it('is said, and that it will not, and why', () => {
    expect(words({})).toEqual([expect.stringMatching(/^should end by \d\d:00:00/)]);
    const reason = '3 ranges a second are configured on peak';
    expect(words(late({ kind: 'rate', name: 'perSecondOnPeak', value: 3, reason }))).toEqual([
      expect.stringMatching(
        /^late: it ends at least 1 h 30 min after \d\d:00:00.*, when it should have ended$/,
      ),
      ': ',
      { text: `perSecondOnPeak: ${reason}` },
    ]);
    const paused = { kind: 'paused', name: 'ada', value: null, reason: 'it is paused: lunch' } as const;
    expect(words(late(paused))?.at(-1)).toEqual({ text: 'it is paused: lunch' });
    const lag = { kind: 'throttle', name: 'lag', value: 0.5, reason: 'lag 3 s' } as const;
    expect(words(late(lag))?.at(-1)).toEqual({ text: 'throttle lag: lag 3 s' });
    expect(words(late(null))).toHaveLength(1);
  });

  it('is nothing of a run that has ended, or that nobody waits for', () => {
    expect(words({ finishedAt: finishBy })).toBeNull();
    expect(words({ finishBy: null })).toBeNull();
  });
});

describe('what the list says', () => {
  it.each<[string, Status, string, string, RegExp]>([
    ['running', { startedBy: 'ada' }, 'running', 'running', /^running for 10 min, started by ada$/],
    [
      'held',
      { held: { scope: 'run', by: null, reason: 'replication lag 48 s', since: at(60), until: null } },
      'attention',
      'held',
      /^held: replication lag 48 s, since \d\d:59:00/,
    ],
    [
      'held with all others',
      { held: { scope: 'all', by: 'ada', reason: 'incident 42', since: at(60), until: null }, workers: 0 },
      'running',
      'held',
      /^held with all backfills by ada: incident 42, since \d\d:59:00/,
    ],
    [
      'held by rate 0, said by an earlier service',
      { held: undefined, rate: { perSecond: 0, reason: 'held' } },
      'attention',
      'held',
      /^held$/,
    ],
    [
      'stalled',
      {
        stalled: {
          since: at(720),
          waitingFor: { kind: 'unknown', reason: 'a lock', notes: [], details: {} },
        },
        activeAt: at(720),
      },
      'attention',
      'stalled',
      /^stalled: nothing done for 12 min, waiting for a lock$/,
    ],
    ['without workers', { workers: 0 }, 'attention', 'no workers', /^no process has workers/],
    ['just started', { workers: 0, stateSince: at(2) }, 'running', 'running', /^running for 2 s$/],
    [
      'paused by somebody',
      { state: 'paused', pausedBy: 'carol', stateReason: 'lunch', stateSince: at(3120) },
      'paused',
      'paused',
      /^paused 52 min ago by carol: lunch$/,
    ],
    [
      'paused by the library',
      { state: 'paused', pausedBy: 'nestjs-backfill', stateReason: 'no such table', stateSince: at(60) },
      'attention',
      'paused',
      /^paused itself 1 min ago: no such table$/,
    ],
    [
      'completed',
      { state: 'completed', finishedAt: at(598) },
      'done',
      'completed',
      /^completed at \d\d:50:02 .*, took 2 s$/,
    ],
    [
      'failed',
      { state: 'failed', failed: 3, rowsFailed: 4, finishedAt: at(0) },
      'attention',
      'failed',
      /^failed at .*, took 10 min, 7 failures$/,
    ],
    ['never run', { state: 'idle', startedAt: null, stateSince: null }, 'never', 'never run', /^never run$/],
    [
      'of an earlier version',
      { state: 'paused', pausedBy: null, stateSince: null },
      'paused',
      'paused',
      /^paused$/,
    ],
  ])('of one that is %s', (_, patch, group, badge, words) => {
    expect(groupOf(status(patch), NOW)).toBe(group);
    expect(badgeOf(status(patch), NOW).text).toBe(badge);
    expect(said(patch)).toMatch(words);
  });

  it('is grouped, searched, filtered and sorted', () => {
    const all = [
      status({ name: 'b', eta: at(-60) }),
      status({ name: 'a', eta: at(-600) }),
      status({ name: 'c', state: 'failed', failed: 1 }),
      status({ name: 'd', state: 'idle', description: 'Moves invoices' }),
    ];
    const shown = (filter: object): unknown =>
      sectionsOf(all, { search: '', state: '', sort: '', ...filter }, NOW).map(({ id, items }) => [
        id,
        items.map(({ name }) => name).join(''),
      ]);
    expect(shown({})).toEqual([
      ['attention', 'c'],
      ['running', 'ab'],
      ['never', 'd'],
    ]);
    expect(shown({ search: 'INVOICE' })).toEqual([['never', 'd']]);
    expect(shown({ state: 'running' })).toEqual([['running', 'ab']]);
    expect(shown({ sort: 'end' })).toEqual([['all', 'bacd']]);
    expect(shown({ sort: 'none' })).toEqual(shown({}));
    expect(shown({ search: 'nothing' })).toEqual([]);
  });
});

describe('the chart', () => {
  const second = (n: number, done: number): Sample => ({ at: NOW + n * 1000, done, perSecond: 2 });

  it('has a gap where nothing was measured, and no average across it', () => {
    const [times, speeds] = seriesOf([
      second(0, 0),
      second(1, 2),
      second(2, 4),
      second(60, 4),
      second(61, 5),
    ]);
    expect(speeds).toEqual([2, 2, null, 1]);
    expect(times?.[2]).toBe(NOW / 1000 + 2.5);
  });

  it('has the concurrency where it is being found', () => {
    const samples = [second(0, 0), { ...second(1, 2), concurrency: 3.5 }, second(2, 4)];
    expect(seriesOf(samples)[3]).toEqual([3.5, null]);
  });

  it('takes thinned out samples for no gaps', () => {
    const samples = [0, 10, 20, 30, 31, 32].map((n) => second(n, n));
    expect(seriesOf(samples)[1]).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('the peak hours of the chart', () => {
  const config = {
    onPeakTimezone: 'Asia/Kathmandu',
    onPeakWdayBegin: 0,
    onPeakWdayEnd: 6,
    onPeakHourBegin: 9,
    onPeakHourEnd: 16,
  };
  // 9:00 in Kathmandu is 3:15 UTC.
  const begin = Date.parse('2026-11-28T03:15:00Z') / 1000;
  const HOUR = 3600;
  const DAY = 24 * HOUR;

  it.each([
    ['an hour', HOUR, [[begin, begin + HOUR / 2]]],
    ['a day', DAY, [[begin, begin + 8 * HOUR]]],
  ])('are exact over %s', (_, length, bands) => {
    expect(peakBands(config, begin - length / 2, begin + length / 2)).toEqual(bands);
  });

  it('are each of the days of a long run', () => {
    expect(peakBands(config, begin - HOUR, begin + 30 * DAY).length).toBe(30);
  });
});

describe('the forms', () => {
  it('send what differs, and tell what cannot be read at its field', () => {
    const config = { batchSize: 5, perSecondOnPeak: 3, onPeakTimezone: 'UTC', quota: null };
    expect(patchOf(config, { batchSize: '5', perSecondOnPeak: '', onPeakTimezone: 'Asia/Tokyo' })).toEqual({
      patch: { perSecondOnPeak: null, onPeakTimezone: 'Asia/Tokyo' },
      errors: {},
    });
    expect(Object.keys(patchOf(config, { quota: '{"max"' }).errors)).toEqual(['quota']);
  });

  it('show the errors of an answer at their fields, others above', () => {
    const error = { message: 'all', fields: [{ field: 'quota.max', expected: 'a number', received: '"x"' }] };
    expect(fieldErrors(error, ['quota'])).toEqual({ quota: 'Must be a number. Got "x".' });
    expect(fieldErrors(error, ['batchSize'])).toEqual({ '': 'all' });
  });
});
