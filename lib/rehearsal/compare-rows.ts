import { MASKED } from './column-mask.js';
import type { ColumnMask } from './column-mask.js';
import type { RehearsedRow } from './rehearsal.js';

/** The columns of a row, each as text. */
export type RawColumns = Readonly<Record<string, string | null>>;

/** How much of a long value is shown before the first difference: characters, and share of what is shown. */
const LEAD = 40;
const LEAD_SHARE = 0.2;

/**
 * What differs between two states of a row; `after` is `null` where the row is gone.
 *
 * @param maxLength longest text of a value that is shown; `null`: whole values
 */
export function compareRows(
  before: RawColumns,
  after: RawColumns | null,
  mask: ColumnMask,
  maxLength: number | null,
): Omit<RehearsedRow, 'key'> {
  const columns = Object.keys({ ...before, ...after });
  const shown = columns.map((column) => {
    const [old = null, now = null] = [before[column], after?.[column]];
    const pair = mask(column) ? ([MASKED, MASKED] as const) : cutPair(old, now, maxLength ?? Infinity);
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
function cutPair(
  before: string | null,
  after: string | null,
  maxLength: number,
): readonly [string | null, string | null] {
  const longest = Math.max(before?.length ?? 0, after?.length ?? 0);
  const lead = Math.min(LEAD, Math.floor(maxLength * LEAD_SHARE));
  const from = longest > maxLength ? Math.max(0, firstDifference(before ?? '', after ?? '') - lead) : 0;
  return [cut(before, from, maxLength), cut(after, from, maxLength)];
}

function cut(text: string | null, from: number, maxLength: number): string | null {
  if (text === null || text.length <= maxLength) {
    return text;
  }
  const start = Math.min(from, text.length - maxLength);
  const end = start + maxLength;
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
