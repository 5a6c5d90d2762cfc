import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.js';

/** Columns padded to their widest cell; numbers, which are given as such, stand to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  style: Style,
): string {
  const cells = rows.map((row) => row.map(shown));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => width(row[column] ?? ''))),
  );
  const right = head.map(
    (_title, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - width(cell));
        return right[column] ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [style('dim', line(head)), ...cells.map(line)].join('\n');
}

function shown(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell;
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
