import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeEntry,
  decodePayload,
  encodeEntry,
  encodePayload,
  toClaimed,
  type RangePayload,
} from '../../../lib/state/range-entry.js';
import type { JsonValue } from '../../../lib/sources/backfill-source.js';

const json = fc
  .jsonValue({ noUnicodeString: false })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const payloads = fc.oneof<fc.Arbitrary<RangePayload>[]>(
  fc.record({ kind: fc.constant('range' as const), partition: fc.string(), range: json }),
  fc.record({ kind: fc.constant('rows' as const), partition: fc.string(), keys: fc.array(json) }),
);
const count = fc.nat({ max: 1000 });
const stored = fc.record({
  claims: count,
  releases: count,
  attempts: count,
  notBefore: fc.nat({ max: 2 ** 50 }),
  job: fc.constantFrom('12x8', '125a2'),
  rows: count,
});

describe('an outstanding range', () => {
  it('is read as it was written, whatever its payload holds', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const text = encodePayload(payload);
        expect(decodePayload(text)).toEqual(payload);
        expect(encodePayload(decodePayload(text))).toBe(text);
      }),
    );
  });

  it('is read from its entry, however many bars the payload has', () => {
    fc.assert(
      fc.property(payloads, stored, count, (payload, fields, index) => {
        const entry = { ...fields, payload: encodePayload(payload) };
        const text = encodeEntry(entry);
        expect(decodeEntry(text)).toEqual(entry);
        const { claims, releases, attempts, rows } = fields;
        expect(toClaimed(index, decodeEntry(text))).toEqual({
          index,
          claims,
          crashes: Math.max(0, claims - 1 - releases),
          attempts,
          rows,
          payload,
        });
      }),
    );
  });

  it('keeps payloads small', () => {
    expect(encodePayload({ kind: 'range', partition: '', range: ['1', '20'] })).toBe('[["1","20"]]');
    expect(encodePayload({ kind: 'range', partition: 'eu', range: 5 })).toBe('[5,"eu"]');
    expect(encodePayload({ kind: 'rows', partition: '', keys: [1, 2] })).toBe('{"k":[1,2],"p":""}');
  });
});
