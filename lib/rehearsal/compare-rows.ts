import { MASKED } from './column-mask.js';
import type { ColumnMask } from './column-mask.js';
import type { RehearsedRow } from './rehearsal.js';

/** The columns of a row, each as text. */
export type RawColumns = Readonly<Record<string, string | null>>;

/** Longest text of a value that is shown. */
const MAX_LENGTH = 200;
/** How much of a long value is shown before the first difference. */
const LEAD = 40;

/** What differs between two states of a row; `after` is `null` where the row is gone. */
export function compareRows(
  before: RawColumns,
  after: RawColumns | null,
  mask: ColumnMask,
): Omit<RehearsedRow, 'key'> {
  const columns = Object.keys({ ...before, ...after });
  const shown = columns.map((column) => {
    const [old = null, now = null] = [before[column], after?.[column]];
    const pair = mask(column) ? ([MASKED, MASKED] as const) : cutPair(old, now);
    return { column, pair, differs: after === null || old !== now };
  });
  const side = (at: 0 | 1) => Object.fromEntries(shown.map(({ column, pair }) => [column, pair[at]]));
  return {
    before: side(0),
    after: after === null ? null : side(1),
    changed: shown.filter(({ differs }) => differs).map(({ column }) => column),
  };
}

/** Cuts two long values at the same place, shortly before they differ. */
function cutPair(before: string | null, after: string | null): readonly [string | null, string | null] {
  const longest = Math.max(before?.length ?? 0, after?.length ?? 0);
  const from = longest > MAX_LENGTH ? Math.max(0, firstDifference(before ?? '', after ?? '') - LEAD) : 0;
  return [cut(before, from), cut(after, from)];
}

function cut(text: string | null, from: number): string | null {
  if (text === null || text.length <= MAX_LENGTH) {
    return text;
  }
  const start = Math.min(from, text.length - MAX_LENGTH);
  const end = start + MAX_LENGTH;
  return (
    (start > 0 ? '…' : '') +
    text.slice(start, end) +
    (end < text.length ? '…' : '') +
    ` (${text.length.toLocaleString('en-US')} characters)`
  );
}

function firstDifference(left: string, right: string): number {
  const most = Math.min(left.length, right.length);
  let at = 0;
  while (at < most && left[at] === right[at]) {
    at++;
  }
  return at === most && left.length === right.length ? 0 : at;
}
