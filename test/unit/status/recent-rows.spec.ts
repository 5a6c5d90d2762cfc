import { recentRows } from '../../../lib/status/recent-rows.js';
import { samplesAt, START } from './a-run.js';

describe('the rows a second of the last minute', () => {
  it('are those of 30 periods of two seconds', () => {
    expect(recentRows(samplesAt(5, START), START + 1000)).toEqual(Array.from({ length: 30 }, () => 50));
    expect(recentRows([], START)).toEqual([]);
  });

  it('stay in their periods as time goes on', () => {
    const samples = samplesAt(5, START, 50).map((sample, ago) =>
      Object.assign(sample, { rowsDone: ago < 20 ? 1000 : 0 }),
    );
    const now = recentRows(samples, START + 1000);
    const later = recentRows(samples, START + 3000);
    expect(later.slice(0, 29)).toEqual(now.slice(1));
    expect(now.filter((rows) => rows > 0)).toEqual([500]);
  });

  it('are 0 where nothing was measured', () => {
    const samples = samplesAt(5, START).filter((_, ago) => ago < 10 || ago > 30);
    const rows = recentRows(samples, START + 1000);
    expect(rows.filter((each) => each === 0)).toHaveLength(10);
    expect(Math.max(...rows)).toBe(50);
  });

  it('do not depend on when in a second the samples were taken', () => {
    const samples = samplesAt(5, START).map((sample, i) =>
      Object.assign(sample, { at: sample.at - (i % 3) * 90 }),
    );
    for (const each of recentRows(samples, START).slice(1, -1)) expect(Math.abs(each - 50)).toBeLessThan(10);
  });
});
