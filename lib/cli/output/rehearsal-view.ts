import { countOf } from '../../errors/count-of.js';
import type { Rehearsal, RehearsalError, RehearsedRow } from '../../rehearsal/rehearsal.js';
import { forecastLines } from './forecast-view.js';
import type { Style } from './style.js';

/** A rehearsal as text: the difference of each row, then the sums. */
export function rehearsalText(result: Rehearsal, style: Style): string {
  const changed = result.rows.filter((row) => row.changed.length > 0);
  return [
    ...changed.map((row) => rowText(row, style)),
    ...result.errors.map((error) => errorText(error, style)),
    summary(result, changed.length),
    ...costs(result),
    ...(result.forecast === null ? [] : forecastLines(result.forecast)),
    ...result.notes.map((note) => style('dim', note)),
    ...(result.partial === null ? [] : [style('yellow', `partial: ${result.partial}`)]),
    ...(result.committed === null ? [] : [style('red', `not rolled back: ${result.committed}`)]),
  ].join('\n');
}

function rowText({ key, before, after, changed }: RehearsedRow, style: Style): string {
  const head = style('bold', keyText(key));
  if (after === null) {
    return `${head} ${style('red', 'deleted')}`;
  }
  const lines = changed.flatMap((column) => [
    style('red', `  - ${column}: ${valueText(before[column])}`),
    style('green', `  + ${column}: ${valueText(after[column])}`),
  ]);
  return [head, ...lines].join('\n');
}

function errorText({ key, error }: RehearsalError, style: Style): string {
  return `${style('bold', keyText(key))} ${style('red', `${error.name}: ${error.message}`)}`;
}

function summary({ rows, untouched, errors, batches }: Rehearsal, changed: number): string {
  return (
    `${countOf(rows.length, 'row')} in ${batches} ${batches === 1 ? 'batch' : 'batches'}: ${changed} changed, ` +
    `${untouched} untouched, ${errors.length} failed; all of it was rolled back`
  );
}

function costs({ statements, msPerRow, tables, outside }: Rehearsal): string[] {
  return [
    `${statements.perBatch} statements a batch` + (msPerRow === null ? '' : `, ${msPerRow} ms a row`),
    ...statements.shapes.map(({ sql, count }) => `  ${count} × ${sql}`),
    ...tables.map(
      ({ table, inserted, updated, deleted }) =>
        `${table}: ${inserted} inserted, ${updated} updated, ${deleted} deleted`,
    ),
    ...outside.map(({ quota, calls }) => `${countOf(calls, 'call')} to the third party of ${quota}`),
  ];
}

function keyText(key: unknown): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/** On one line: a control character of a value must not reach the terminal. */
function valueText(value: string | null | undefined): string {
  return value === null || value === undefined ? 'null' : JSON.stringify(value);
}
