import { fixedSlots, shareSlots, slotBounds } from '../../../../lib/pacing/concurrency/slots.js';

const config = { concurrency: { min: 1, max: 4 }, rowConcurrency: { min: 2, max: 10 } };

describe('slotBounds', () => {
  it.each([
    ['row', config, { min: 2, max: 40 }],
    ['batch', config, { min: 1, max: 4 }],
    ['row', { concurrency: 3, rowConcurrency: { min: 1, max: 5 } }, { min: 3, max: 15 }],
    ['range', { concurrency: 3, rowConcurrency: { min: 1, max: 5 } }, null],
    ['row', { concurrency: { min: 2, max: 2 }, rowConcurrency: 7 }, null],
  ] as const)('of a %s handler', (shape, given, expected) => {
    expect(slotBounds(given, shape)).toEqual(expected);
  });
});

describe('shareSlots', () => {
  it('raises the rows of a range before the ranges', () => {
    const shared = [2, 5, 10, 11, 25, 40].map((value) => shareSlots(value, config, 'row'));
    expect(shared.map(({ ranges, rows }) => [ranges, rows])).toEqual([
      [1, 2],
      [1, 5],
      [1, 10],
      [2, 10],
      [3, 10],
      [4, 10],
    ]);
  });

  it('rests for what a fraction leaves of whole slots, and below the minimum', () => {
    expect(shareSlots(2, config, 'batch')).toEqual({ ranges: 2, rows: 1, rest: 0 });
    expect(shareSlots(1.6, config, 'batch')).toEqual({ ranges: 2, rows: 1, rest: 0.25 });
    expect(shareSlots(0.25, config, 'batch')).toEqual({ ranges: 1, rows: 1, rest: 3 });
    expect(shareSlots(1, config, 'row')).toEqual({ ranges: 1, rows: 2, rest: 1 });
  });

  it('keeps within the bounds of a config that has changed', () => {
    expect(shareSlots(100, config, 'row')).toEqual({ ranges: 4, rows: 10, rest: 0 });
  });
});

it('fixedSlots has the numbers of the config', () => {
  expect(fixedSlots({ concurrency: 3, rowConcurrency: 5 }, 'row')).toEqual({ ranges: 3, rows: 5, rest: 0 });
  expect(fixedSlots({ concurrency: 3, rowConcurrency: 5 }, 'range')).toEqual({ ranges: 3, rows: 1, rest: 0 });
});
