/** How records are written. */
export interface CsvFormat {
  readonly delimiter: string;
  /** The names of the fields, where the file has no header. */
  readonly columns: readonly string[] | undefined;
  readonly maxRecordBytes: number;
}

/** An option that is not valid: its name, what was expected and what was received. */
export interface FormatProblem {
  readonly field: string;
  readonly expected: string;
  readonly received: unknown;
}

export function formatProblem({ delimiter, columns, maxRecordBytes }: CsvFormat): FormatProblem | null {
  if (typeof delimiter !== 'string' || !/^[\t\x20-\x7e]$/.test(delimiter) || delimiter === '"') {
    return { field: 'delimiter', expected: 'one ASCII character but a quote', received: delimiter };
  }
  if (!Number.isSafeInteger(maxRecordBytes) || maxRecordBytes < 1) {
    return { field: 'maxRecordBytes', expected: 'a number of bytes from 1', received: maxRecordBytes };
  }
  const texts =
    columns === undefined || (Array.isArray(columns) && columns.every((it) => typeof it === 'string'));
  if (!texts || columns?.length === 0) {
    return { field: 'columns', expected: 'a list of names', received: columns };
  }
  const twice = nameTwice(columns ?? []);
  return twice === undefined ? null : { field: 'columns', expected: 'names that differ', received: twice };
}

/** A name that is there twice; `undefined` where all differ. */
export function nameTwice(names: readonly string[]): string | undefined {
  return names.find((name, i) => names.indexOf(name) !== i);
}
