import fc from 'fast-check';
import { ContentHash } from '../../../../lib/sources/content-hash.js';
import { cutRanges, type CutRange } from '../../../../lib/sources/csv/cut-ranges.js';
import { recordsIn } from '../../../../lib/sources/csv/scan-records.js';
import { StreamContent } from '../../../../lib/sources/csv/stream-content.js';

const FORMAT = { delimiter: ',', columns: ['id'], maxRecordBytes: 1_000 };
const HEADER = 'the hash of the header';

interface Cutting {
  readonly bytes: Buffer;
  readonly chunkBytes: number;
  readonly batchSize: number;
  readonly limit: number;
}

const cutting: fc.Arbitrary<Cutting> = fc.record({
  // Records that are well-formed and that are not, empty lines, and a last line with and without a line break.
  bytes: fc
    .string({ unit: fc.constantFrom('a', 'é', '😀', '"', ',', '\n', '\r\n'), maxLength: 100 })
    .map((text) => Buffer.from(text)),
  chunkBytes: fc.integer({ min: 1, max: 20 }),
  batchSize: fc.integer({ min: 1, max: 5 }),
  limit: fc.integer({ min: 1, max: 4 }),
});

/** All ranges of a file, a page at a time, each from where the one before ended. */
async function cutAll({ bytes, chunkBytes, batchSize, limit }: Cutting): Promise<CutRange[]> {
  const content = new StreamContent(async function* () {
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      yield bytes.subarray(at, at + chunkBytes);
    }
  });
  const cut: CutRange[] = [];
  for (;;) {
    const last = cut.at(-1);
    const { ranges, endedAt } = await cutRanges({
      content,
      format: FORMAT,
      header: HEADER,
      begin: last?.data.end ?? 0,
      line: last?.nextLine ?? 1,
      end: bytes.length,
      batchSize,
      limit,
    });
    cut.push(...ranges);
    if (endedAt !== null) {
      expect(endedAt).toBe(bytes.length);
      return cut;
    }
  }
}

describe('the ranges of a CSV file', () => {
  it('have each record once, in batches, and a hash of their bytes, however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(cutting, async (file) => {
        const { bytes, batchSize } = file;
        const ranges = await cutAll(file);
        const found = ranges.map(({ data }) => recordsIn(bytes.subarray(data.begin, data.end), FORMAT, data));
        expect(found.flat()).toEqual(recordsIn(bytes, FORMAT, { begin: 0, line: 1 }));
        expect(ranges.map(({ rows }) => rows)).toEqual(found.map(({ length }) => length));
        expect(ranges.slice(0, -1).every(({ rows }) => rows === batchSize)).toBe(true);
        expect(ranges.map(({ data }) => data.hash)).toEqual(
          ranges.map(({ data }) => ContentHash.of(HEADER, bytes.subarray(data.begin, data.end)).digest()),
        );
      }),
    );
  });
});
