import type { BackfillStatus } from 'nestjs-backfill';
import { grouped } from './progress.js';
import type { TableCheck } from './verify.js';

const HEAD = ['backfill', 'state', 'rows done', 'seconds', 'rows/s', 'failed', 'left', 'twice', 'wrong'];

/** What the library says was done beside what the tables say, as aligned text. */
export function summary(
  statuses: readonly BackfillStatus[],
  tableChecks: Record<string, TableCheck>,
): string {
  const lines = [HEAD, ...statuses.map((status) => cells(status, tableChecks[status.name]))];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
    )
    .map((line) => line.join('  '))
    .join('\n');
}

/** What is not as it should be, a sentence each. */
export function complaints(
  statuses: readonly BackfillStatus[],
  tableChecks: Record<string, TableCheck>,
): readonly string[] {
  return statuses.flatMap(({ name, state, rowsDone, failed, rowsFailed }) => {
    const { rows = 0, left, twice, wrong } = tableChecks[name] ?? {};
    const expected = {
      state: 'completed',
      rowsDone: rows,
      failed: 0,
      rowsFailed: 0,
      left: 0,
      twice: 0,
      wrong: 0,
    };
    const got = { state, rowsDone, failed, rowsFailed, left, twice, wrong };
    return JSON.stringify(got) === JSON.stringify(expected)
      ? []
      : [`${name}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`];
  });
}

function cells(status: BackfillStatus, tableCheck: TableCheck | undefined): string[] {
  const { name, state, rowsDone, rowsFailed, startedAt, finishedAt } = status;
  const seconds = (Date.parse(finishedAt ?? '') - Date.parse(startedAt ?? '')) / 1000;
  return [
    name,
    state,
    grouped(rowsDone),
    seconds.toFixed(1),
    grouped(Math.round(rowsDone / seconds)),
    grouped(rowsFailed),
    `${grouped(tableCheck?.left ?? NaN)} left`,
    grouped(tableCheck?.twice ?? NaN),
    grouped(tableCheck?.wrong ?? NaN),
  ];
}
