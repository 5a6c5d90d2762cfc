import { failureGroupTable, failureTable, retryText } from '../../../lib/cli/output/failure-view.js';
import { styleFor } from '../../../lib/cli/output/style.js';

const style = styleFor(process.stdout, { NO_COLOR: '1' });
const at = '2026-01-05T10:00:00.000Z';
const failure = {
  id: 'row-1',
  kind: 'row' as const,
  key: 7,
  error: { name: 'TypeError', message: 'no currency\nin row 7', stack: 'at x' },
  attempts: 2,
  failedAt: at,
};
const receipt = {
  runId: 'r1',
  state: 'failed' as const,
  changed: false,
  retried: 0,
  unknownIds: [],
};

describe('failures at a terminal', () => {
  it('are a table of groups with their ids', () => {
    const group = { error: 'TypeError', message: 'no currency in row …', count: 1_714, rows: 1_714 };
    const text = failureGroupTable(
      { total: 1_714, groups: [{ id: 'g1', ...group, firstAt: at, lastAt: at, example: failure }] },
      style,
    );
    expect(text).toMatch(/^group +failures +first at +last at +error\n/);
    expect(text).toMatch(/\ng1 +1,714 .*TypeError: no currency in row …\n1714 in all/);
  });

  it('say that there is more where a page has none that fit', () => {
    expect(failureTable({ items: [], next: '7' }, style, false)).toBe('No failures.\nnext page: --after 7');
    expect(failureTable({ items: [failure], next: null }, style, true)).toMatch(
      /row-1 +row +7 .*TypeError: no currency\n\nrow-1\nat x$/,
    );
  });

  it('say where a group to retry has none', () => {
    expect(retryText(receipt, style, 'g1')).toMatch(
      /^0 requeued .*\nNo failure of the run is in the group g1/,
    );
    expect(retryText(receipt, style, undefined)).not.toContain('\n');
    expect(retryText({ ...receipt, unknownIds: ['a'] }, style, undefined)).toMatch(/has the id a:/);
  });
});
