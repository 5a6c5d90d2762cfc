import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isValidName, nameFromClass } from '../../../lib/handlers/backfill-name.js';

describe('nameFromClass', () => {
  it.each([
    ['ReencryptMessages', 'reencrypt-messages'],
    ['ReencryptMessagesBackfill', 'reencrypt-messages'],
    ['Backfill', 'backfill'],
    ['BackfillOrders', 'backfill-orders'],
    ['HTTPServerLog', 'http-server-log'],
    ['OrdersV2', 'orders-v2'],
    ['Orders2Fix', 'orders2-fix'],
    ['fixUp', 'fix-up'],
    ['X', 'x'],
  ])('of %s is %s', (className, name) => {
    expect(nameFromClass(className)).toBe(name);
  });

  it('is a valid name with the same letters, and the same again', () => {
    const classNames = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,30}$/);
    fc.assert(
      fc.property(classNames, (className) => {
        const name = nameFromClass(className);
        expect(isValidName(name)).toBe(true);
        expect(name).not.toMatch(/--|-$/);
        const bare = className.replace(/Backfill$/, '') || className;
        expect(name.replaceAll('-', '')).toBe(bare.toLowerCase());
        expect(nameFromClass(name)).toBe(name);
      }),
    );
  });
});

describe('isValidName', () => {
  it('takes what BullMQ and Redis keys take, and nothing that could meet keys of our own', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        expect(isValidName(name)).toBe(
          name !== '' &&
            /[a-z0-9]/.test(name.charAt(0)) &&
            name.split('').every((letter) => 'abcdefghijklmnopqrstuvwxyz0123456789._-'.includes(letter)),
        );
      }),
    );
    for (const name of ['_cycles', '-a', '.a', 'a:b', 'a\n', 'A', '']) {
      expect(isValidName(name)).toBe(false);
    }
  });
});
