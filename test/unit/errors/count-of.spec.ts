import { countOf } from '../../../lib/errors/count-of.js';

describe('countOf', () => {
  it.each<[number | bigint, string, string]>([
    [0, 'row', '0 rows'],
    [1, 'row', '1 row'],
    [1n, 'row', '1 row'],
    [0.5, 'row', '0.5 rows'],
    [1200, 'failure', '1,200 failures'],
    [1, 'worker process', '1 worker process'],
    [2, 'worker process', '2 worker processes'],
    [2, 'batch', '2 batches'],
  ])('%p, %s: %s', (count, noun, text) => {
    expect(countOf(count, noun)).toBe(text);
  });
});
