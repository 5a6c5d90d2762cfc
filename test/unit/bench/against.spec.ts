import { describeChanges } from '../../bench/against/changes-table.js';
import { changesOf } from '../../bench/against/changes.js';
import { parseAgainst } from '../../bench/against/parse-against.js';
import type { Finding } from '../../bench/benchmark.js';
import { reasonOf } from '../../bench/reason.js';
import { takeTurns } from '../../bench/rounds.js';

function finding(name: string, ours: number, target = '>= 1.5 of raw'): Finding {
  return { name, ours, other: 1, unit: 'rows/s', ratio: ours, target, met: true, spread: null };
}

describe('the argument of --against', () => {
  it('is a tarball when it ends with .tgz, and else a commit', () => {
    expect(parseAgainst('../nestjs-backfill-0.1.0.tgz')).toEqual({
      kind: 'tarball',
      path: '../nestjs-backfill-0.1.0.tgz',
    });
    expect(parseAgainst('HEAD~20')).toEqual({ kind: 'commit', revision: 'HEAD~20' });
    expect(parseAgainst('feature/tgz')).toEqual({ kind: 'commit', revision: 'feature/tgz' });
  });
});

describe('turns of two builds', () => {
  it('begin with the first one in every second round, and answer the first one first', async () => {
    const turns: string[] = [];
    const answer = (build: string) => () => Promise.resolve(`${build}${turns.push(build)}`);
    expect(await takeTurns(3, answer('A'), answer('B'))).toEqual([
      ['A1', 'B2'],
      ['A4', 'B3'],
      ['A5', 'B6'],
    ]);
    expect(turns.join('')).toBe('ABBAAB');
  });
});

describe('changes between two builds', () => {
  it('are the medians of the rounds, and of the ratios of each round', () => {
    const rounds = [
      [[finding('sql', 100)], [finding('sql', 110)]],
      [[finding('sql', 200)], [finding('sql', 180)]],
      [[finding('sql', 400)], [finding('sql', 420)]],
    ] as const;
    expect(changesOf(rounds)).toEqual([
      {
        name: 'sql',
        unit: 'rows/s',
        earlier: 200,
        current: 180,
        ratios: [1.1, 0.9, 1.05],
        ratio: 1.05,
        better: 'more',
        worse: 1,
      },
    ]);
  });

  it.each([
    ['>= 0.97 of the loop', 'more', 1],
    ['<= 1.2 x raw', 'less', 2],
    ['p99 <= 250 ms', 'less', 2],
    ['within 1 %, most in a second <= 102', null, null],
    ['none: to compare', null, null],
  ])('take from the target "%s" which is better', (target, better, worse) => {
    const round = (current: number) => [[finding('a', 10, target)], [finding('a', current, target)]] as const;
    expect(changesOf([round(11), round(9), round(12), round(10)])).toMatchObject([{ better, worse }]);
  });

  it('are paired by name, over the rounds in which both builds have the finding', () => {
    const rounds = [
      [
        [finding('a', 10), finding('only earlier', 1)],
        [finding('b', 30), finding('a', 20)],
      ],
      [
        [finding('a', 10), finding('b', 10)],
        [finding('b', 30), finding('only current', 1)],
      ],
    ] as const;
    expect(changesOf(rounds).map(({ name, ratios }) => [name, ratios])).toEqual([
      ['a', [2]],
      ['b', [3]],
    ]);
  });

  it('are none where both builds have the same figure, zero included', () => {
    expect(changesOf([[[finding('a', 0, '<= 4')], [finding('a', 0, '<= 4')]]])).toMatchObject([
      { ratio: 1, worse: 0 },
    ]);
  });

  it('are shown as a table', () => {
    const rounds = [
      [[finding('sql', 1_000)], [finding('sql', 1_100)]],
      [[finding('sql', 1_000)], [finding('sql', 950)]],
    ] as const;
    const lines = describeChanges('5e41640', changesOf(rounds)).split('\n');
    expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual([
      ['this', '5e41640', 'unit', 'ratio', 'min..max', 'better', 'worse in'],
      ['sql', '1,025', '1,000', 'rows/s', '1.025', '0.950..1.100', 'more', '1 of 2 rounds'],
    ]);
  });
});

describe('why a benchmark did not work', () => {
  it('is what the build does not export, where it lacks that', () => {
    const error = new Error(
      "a process ended before it was ready:\nSyntaxError: The requested module 'nestjs-backfill' does not provide an export named 'probeLatency'",
    );
    expect(reasonOf(error)).toBe('it uses probeLatency, which the build does not export');
  });

  it('is the error with its stack otherwise', () => {
    expect(reasonOf(new Error('no room'))).toMatch(/no room\n\s+at /);
    expect(reasonOf('no room')).toBe('no room');
  });
});
