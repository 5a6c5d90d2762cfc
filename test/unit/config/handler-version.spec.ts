import {
  encodeHandlerVersion,
  isHeldForVersion,
  parseAdoptVersion,
  parseHandlerVersion,
  type HandlerVersion,
} from '../../../lib/config/handler-version.js';

const of = (version: string | null, onOtherVersion: 'hold' | 'warn'): HandlerVersion => ({
  version,
  onOtherVersion,
});

describe('a handler and a run', () => {
  it.each<[run: HandlerVersion, handler: HandlerVersion, held: boolean]>([
    [of('1', 'hold'), of('1', 'hold'), false],
    [of('1', 'hold'), of('2', 'hold'), true],
    [of('1', 'hold'), of('2', 'warn'), true],
    [of('1', 'hold'), of(null, 'warn'), true],
    [of('1', 'warn'), of('2', 'hold'), true],
    [of(null, 'warn'), of('2', 'hold'), true],
    [of('1', 'warn'), of('2', 'warn'), false],
    [of('1', 'warn'), of(null, 'warn'), false],
    [of(null, 'warn'), of(null, 'warn'), false],
  ])('of %j and %j: held %j', (run, handler, held) => {
    expect(isHeldForVersion(run, handler)).toBe(held);
  });
});

describe('the version of a handler', () => {
  it('is none, and warns, by default', () => {
    for (const options of [{}, { version: undefined }, { version: '' }]) {
      expect(parseHandlerVersion('b', options)).toEqual({ version: null, onOtherVersion: 'warn' });
    }
  });

  it.each([['1'], ['2.0.0-β'], ['a|b'], ['🙂'.repeat(200)]])(
    'is any text of up to 200 characters: %j',
    (version) => {
      expect(parseHandlerVersion('b', { version, onOtherVersion: 'hold' })).toEqual(of(version, 'hold'));
      expect(parseAdoptVersion('b', version)).toBe(version);
      expect(encodeHandlerVersion(of(version, 'hold'))).toBe(`hold|${version}`);
    },
  );

  it.each([[2], ['1\u0000'], ['x'.repeat(201)], [{}]])('is refused where it is %j', (version) => {
    expect(() => parseHandlerVersion('b', { version })).toThrow(
      /"b": expected version to be a text of 1 to 200/,
    );
    expect(() => parseAdoptVersion('b', version)).toThrow(
      /"b": expected adoptVersion to be a text of 1 to 200/,
    );
  });
});
