import fc from 'fast-check';
import { parseFields } from '../../../../lib/sources/csv/parse-fields.js';
import { RecordScanner, type RecordPosition } from '../../../../lib/sources/csv/record-scanner.js';
import { recordText } from '../../../../lib/sources/csv/record-text.js';

const COMMA = 0x2c;

/** The texts of the records, scanned in chunks of the given size from the offset on. */
function scan(bytes: Buffer, chunkBytes: number, begin = 0): RecordPosition[] {
  const scanner = new RecordScanner(begin, 1, COMMA);
  const found: RecordPosition[] = [];
  for (let at = begin; at < bytes.length; at += chunkBytes) {
    found.push(...scanner.scan(bytes.subarray(at, at + chunkBytes)));
  }
  return [...found, ...scanner.finish()];
}

const textsOf = (content: string, chunkBytes = 5) => {
  const bytes = Buffer.from(content);
  return scan(bytes, chunkBytes).map(({ begin, end }) => recordText(bytes.subarray(begin, end)));
};

const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
const field = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', '"', ',', '\n', '\r', ';') }),
  fc.string({ unit: 'grapheme' }),
);
const record = fc.array(field, { minLength: 1, maxLength: 4 });
const file = fc.record({
  records: fc.array(record, { maxLength: 8 }),
  lineBreak: fc.constantFrom('\n', '\r\n'),
  lastBreak: fc.boolean(),
  blank: fc.constantFrom('', '\n', '\r\n\r\n'),
  chunkBytes: fc.integer({ min: 1, max: 20 }),
});

describe('the records of a CSV file', () => {
  it('have the fields that were written, however the bytes come', () => {
    fc.assert(
      fc.property(file, ({ records, lineBreak, lastBreak, blank, chunkBytes }) => {
        const lines = records.map((fields) => fields.map(quoted).join(','));
        const content = lines.join(lineBreak + blank) + (lastBreak ? lineBreak + blank : '');
        expect(textsOf(content, chunkBytes).map((text) => parseFields(text, ','))).toEqual(records);
      }),
    );
  });

  it('are found again from the offset and line of any of them', () => {
    fc.assert(
      fc.property(file, ({ records, lineBreak, chunkBytes }) => {
        const bytes = Buffer.from(records.map((fields) => fields.map(quoted).join(',') + lineBreak).join(''));
        const all = scan(bytes, chunkBytes);
        for (const [i, { begin }] of all.entries()) {
          const ends = scan(bytes, chunkBytes, begin).map(({ end }) => end);
          expect(ends).toEqual(all.slice(i).map(({ end }) => end));
        }
      }),
    );
  });

  it('have the numbers of their lines, line breaks in fields and empty lines counted', () => {
    const bytes = Buffer.from('a\n\n"b\nb"\r\n\r\nc');
    expect(scan(bytes, 3)).toEqual([
      { begin: 0, end: 2, line: 1, nextLine: 2 },
      { begin: 3, end: 10, line: 3, nextLine: 5 },
      { begin: 12, end: 13, line: 6, nextLine: 6 },
    ]);
  });

  it.each([
    ['a quote within a field', 'a,b"c\nd,e\n', ['a,b"c', 'd,e']],
    ['two quotes within a field', 'a,b"c"d\nd,e\n', ['a,b"c"d', 'd,e']],
    ['text after a closing quote', '"a"b,c\nd,e\n', ['"a"b,c', 'd,e']],
    ['a quote that is not closed up to the next one', 'a,"b\nc,"d\ne,f\n', ['a,"b\nc,"d', 'e,f']],
    ['a quote that is never closed', 'a,b\nc,"d\ne,f', ['a,b', 'c,"d\ne,f']],
  ])('go on after %s', (_, content, expected) => {
    expect(textsOf(content)).toEqual(expected);
  });

  it.each([
    ['', ['']],
    [',', ['', '']],
    ['a,', ['a', '']],
    ['"",""', ['', '']],
    ['"a""b"', ['a"b']],
    ['""""', ['"']],
  ])('of the text %j have the fields %j', (text, expected) => {
    expect(parseFields(text, ',')).toEqual(expected);
  });

  it.each([
    ['a,b"c', 'expected quotes around a value with quotes, which are doubled, got a quote within it'],
    ['a,"b"c', 'expected "," or the end of the record after the closing quote, got "c"'],
    ['a,"b', 'expected a closing quote, got the end of the file'],
  ])('of the malformed text %j are refused', (text, message) => {
    expect(() => parseFields(text, ',')).toThrow(message);
  });
});
