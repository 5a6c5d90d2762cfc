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
    const place = fields.length + 1;
    const { value, end } =
      record[at] === QUOTE ? quotedField(record, at, place) : plainField(record, at, delimiter, place);
    if (end < record.length && record[end] !== delimiter) {
      const expected = `${JSON.stringify(delimiter)} or the end of the record after the closing quote`;
      throw malformed(place, expected, JSON.stringify(record[end]));
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

/** @param place number of the field, from 1 */
function plainField(record: string, begin: number, delimiter: string, place: number): Field {
  const next = record.indexOf(delimiter, begin);
  const end = next === -1 ? record.length : next;
  const value = record.slice(begin, end);
  if (value.includes(QUOTE)) {
    throw malformed(place, 'quotes around a value with quotes, which are doubled', 'a quote within it');
  }
  return { value, end };
}

/** @param place number of the field, from 1 */
function quotedField(record: string, begin: number, place: number): Field {
  let end = record.indexOf(QUOTE, begin + 1);
  while (end !== -1 && record[end + 1] === QUOTE) {
    end = record.indexOf(QUOTE, end + 2);
  }
  if (end === -1) {
    throw malformed(place, 'a closing quote', 'the end of the file');
  }
  return { value: record.slice(begin + 1, end).replaceAll('""', QUOTE), end: end + 1 };
}

function malformed(place: number, expected: string, received: string): ContentProblem {
  return new ContentProblem(`field ${place}`, expected, received);
}
