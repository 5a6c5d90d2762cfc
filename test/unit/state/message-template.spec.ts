import fc from 'fast-check';
import { messageTemplate } from '../../../lib/state/message-template.js';

describe('the template of a message', () => {
  it.each<[string, string, ...string[]]>([
    ['numbers', 'row … is broken', 'row 7 is broken', 'row 12345678901 is broken', 'row -1 is broken'],
    ['decimals', 'took … ms of …', 'took 1.5 ms of 1,000', 'took 12 ms of 20.25'],
    ['numbers in words', 'order… failed', 'order42 failed', 'order7 failed'],
    [
      'uuids',
      'no account …',
      'no account 0b5ac9b7-6a3f-4ef7-8f0e-3a1a6c1f9b11',
      'no account 91D5AE7C-94F1-4A6E-B0E2-77777E77E777',
    ],
    ['object ids', 'no …', 'no 64b7f8d2c1a4e90012345678', 'no 650000000000000000000000'],
    ['hexadecimal', 'at … of …', 'at 0xdeadbeef of \\x00ff', 'at 0x1 of \\xab'],
    ['quoted values', "bad value '…'", "bad value 'a'", "bad value 'O'Brien'", "bad value ''"],
    [
      'double-quoted',
      'invalid input syntax for type integer: "…"',
      'invalid input syntax for type integer: "x y"',
    ],
    ['apostrophes', "it can't and won't read '…'", "it can't and won't read 'a'"],
    ['dates', 'due …', 'due 2026-01-05', 'due 2026-01-05T10:00:00.123Z', 'due 2026-01-05 10:00:00+02'],
    [
      'dates of toString',
      'at … gone',
      `at ${new Date(0).toString()} gone`,
      `at ${new Date(1e12).toString()} gone`,
    ],
    ['emails', 'no user …', 'no user ada.l+x@example.com', 'no user b@c.org'],
    ['tokens', 'no customer …', 'no customer cus_NffrFeUfNV2Hib', 'no customer V1StGXR8_Z5jdHi6B-myT'],
    ['addresses', 'connect ECONNREFUSED …', 'connect ECONNREFUSED 10.0.0.1:5432'],
    ['lists', 'ids … are gone', 'ids 1, 2, 3 are gone', 'ids 4 are gone'],
    ['queries', 'GET https://api.io/users/…?… failed', 'GET https://api.io/users/7?page=3&x=a failed'],
    [
      'a unique key of PostgreSQL',
      'Key (email, tenant_id)=(…) already exists.',
      'Key (email, tenant_id)=(ada (the first), 3) already exists.',
      'Key (email, tenant_id)=(bob, 12) already exists.',
    ],
    ['a row of PostgreSQL', 'Failing row contains (…).', 'Failing row contains (1, null, (x), 2026-01-01).'],
    ['a key of MongoDB', 'E11000 dup key: { email: "…" }', 'E11000 dup key: { email: "a@b.c" }'],
    [
      'a key of MySQL',
      "Duplicate entry '…' for key 'users.email'",
      "Duplicate entry '5-x' for key 'users.email'",
    ],
    ['JSON', '{ "code": "…", "received": … }', '{ "code": "x",\n "received": 3 }'],
  ])('%s', (_, template, ...messages) => {
    expect(messages.map(messageTemplate)).toEqual(messages.map(() => template));
  });

  it.each([
    'duplicate key value violates unique constraint "users_email_key2"',
    'relation "orders_2024" does not exist',
    "Cannot read properties of undefined (reading 'email')",
    'Request failed with status code 429',
    'SQLSTATE 23505',
    'UNIQUE constraint failed: users.email',
  ])('keeps what tells kinds apart: %s', (message) => {
    expect(messageTemplate(message)).toBe(message);
  });

  it('is bounded, and of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (message) => {
        expect(messageTemplate(message).length).toBeLessThanOrEqual(301);
      }),
    );
    for (const part of ['a', '"', "'a ", '=(', '0', '-', 'aA', '1a', ' \\', '…, ', 'Key (a)=(b']) {
      expect(messageTemplate(part.repeat(2_000)).length).toBeLessThanOrEqual(301);
    }
  });

  it('is the same for all whole numbers, and for all ids', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (id) =>
        expect(messageTemplate(`row ${id} is bad`)).toBe('row … is bad'),
      ),
    );
    fc.assert(
      fc.property(fc.uuid(), (id) => expect(messageTemplate(`row ${id} is bad`)).toBe('row … is bad')),
    );
  });
});
