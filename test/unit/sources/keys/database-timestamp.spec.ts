import { parseTimestamp } from '../../../../lib/sources/keys/database-timestamp.js';

describe('parseTimestamp', () => {
  it.each([
    ['2020-11-11 02:04:11.891234+00', '2020-11-11T02:04:11.891Z'],
    ['2020-11-11 02:04:11+05:30', '2020-11-10T20:34:11.000Z'],
    ['2020-11-11 02:04:11', '2020-11-11T02:04:11.000Z'],
    ['2020-11-11T02:04Z', '2020-11-11T02:04:00.000Z'],
    ['2020-11-11', '2020-11-11T00:00:00.000Z'],
  ])('parses %s', (text, iso) => {
    expect(new Date(parseTimestamp(text)).toISOString()).toBe(iso);
  });

  it.each(['infinity', 'yesterday', '', '2020-13-01'])('is NaN for %j', (text) => {
    expect(parseTimestamp(text)).toBeNaN();
  });
});
