import { ContentProblem } from './content.problem.js';

const QUOTE = '"';

/**
 * Parses the fields of one CSV record (RFC 4180), given without its line break.
 *
 * @throws ContentProblem where the record is malformed
 */
export function parseFields(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= record.length;) {
    const place = `field ${fields.length + 1}`;
    const { value, end } =
      record[at] === QUOTE ? quotedField(record, at, place) : plainField(record, at, delimiter, place);
    if (end < record.length && record[end] !== delimiter) {
      const expected = `${JSON.stringify(delimiter)} or the end of the record after the closing quote`;
      throw new ContentProblem(place, expected, JSON.stringify(record[end]));
    }
    fields.push(value);
    at = end + 1;
  }
  return fields;
}

interface Field {
  readonly value: string;
  /** Index after the field. */
  readonly end: number;
}

function plainField(record: string, begin: number, delimiter: string, place: string): Field {
  const next = record.indexOf(delimiter, begin);
  const end = next === -1 ? record.length : next;
  const value = record.slice(begin, end);
  if (value.includes(QUOTE)) {
    throw new ContentProblem(
      place,
      'quotes around a value with quotes, which are doubled',
      'a quote within it',
    );
  }
  return { value, end };
}

function quotedField(record: string, begin: number, place: string): Field {
  let end = record.indexOf(QUOTE, begin + 1);
  while (end !== -1 && record[end + 1] === QUOTE) {
    end = record.indexOf(QUOTE, end + 2);
  }
  if (end === -1) {
    throw new ContentProblem(place, 'a closing quote', 'the end of the file');
  }
  return { value: record.slice(begin + 1, end).replaceAll('""', QUOTE), end: end + 1 };
}
