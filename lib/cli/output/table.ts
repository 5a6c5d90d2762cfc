import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.js';

/** Renders a table with padded columns; columns of numbers are right-aligned. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  style: Style,
): string {
  const cells = rows.map((row) => row.map(formatCell));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => visibleLength(row[column] ?? ''))),
  );
  const rightAligned = head.map(
    (_title, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - visibleLength(cell));
        return rightAligned[column] ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [style('dim', line(head)), ...cells.map(line)].join('\n');
}

function formatCell(cell: string | number): string {
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell;
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
