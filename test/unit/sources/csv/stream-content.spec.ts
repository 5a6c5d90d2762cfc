import { readHeader } from '../../../../lib/sources/csv/csv-header.js';
import { openBounds } from '../../../../lib/sources/csv/open-bounds.js';
import { StreamContent } from '../../../../lib/sources/csv/stream-content.js';

const TEXT = 'id,name\n1,"é😀"\n2,👩‍👧\n';
const FORMAT = { delimiter: ',', columns: undefined, maxRecordBytes: 1_000 };

describe('the stream of a CSV file', () => {
  it.each([1, 2, 3, 7])(
    'has the bytes of texts of %i code units, which cut characters in two',
    async (units) => {
      const content = new StreamContent(async function* () {
        for (let at = 0; at < TEXT.length; at += units) {
          yield TEXT.slice(at, at + units);
        }
      });
      const bytes = Buffer.from(TEXT);
      expect(await content.size()).toBe(bytes.length);
      const [whole = [], part = []] = await content.pieces([
        { begin: 0, end: bytes.length },
        { begin: 11, end: 14 },
      ]);
      expect(Buffer.from(whole)).toEqual(bytes);
      expect(Buffer.from(part)).toEqual(bytes.subarray(11, 14));
    },
  );

  it('keeps the order of texts and bytes', async () => {
    const [high, low] = ['😀'.slice(0, 1), '😀'.slice(1)];
    const content = new StreamContent(async function* () {
      yield `a${high}`;
      yield low;
      yield Buffer.from('b');
      yield 'c';
    });
    const [all = []] = await content.pieces([{ begin: 0, end: 7 }]);
    expect(Buffer.from(all).toString()).toBe('a😀bc');
  });

  it('that gets shorter while a run is started is refused', async () => {
    const streams = [TEXT, TEXT, 'id,name\n'];
    const content = new StreamContent(async function* () {
      yield streams.shift() ?? '';
    });
    const header = await readHeader(content, FORMAT);
    const size = Buffer.byteLength(TEXT);
    await expect(
      openBounds(content, FORMAT, { header, size }, {}, () => new Error('no bound')),
    ).rejects.toThrow(`expected ${size} bytes, as a moment before, got fewer`);
  });
});
