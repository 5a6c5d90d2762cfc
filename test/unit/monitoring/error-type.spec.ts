import { RateLimitedError } from 'nestjs-backfill';
import { errorType, ErrorTypes } from '../../../lib/monitoring/error-type.js';

class PartnerDown extends Error {}

const named = (name: string) => Object.assign(new Error('no'), { name });

describe('the type of an error', () => {
  it.each<[unknown, string]>([
    [new Error('no'), 'Error'],
    [new TypeError('no'), 'TypeError'],
    [new RateLimitedError(10), 'RateLimitedError'],
    [new PartnerDown('no'), 'PartnerDown'],
    [named('Partner.Down'), 'Partner.Down'],
    [named('order 7 was not found'), '_OTHER'],
    [named('x'.repeat(81)), '_OTHER'],
    [named(''), '_OTHER'],
    ['a text', '_OTHER'],
    [undefined, '_OTHER'],
  ])('of %s is %s', (error, type) => {
    expect(errorType(error)).toBe(type);
  });
});

describe('the types of errors in metrics', () => {
  it('are a hundred at most, beside one for all others', () => {
    const types = new ErrorTypes();
    const ofOrders = Array.from({ length: 1_000 }, (_, id) => types.of(named(`Order${id}`)));
    expect(new Set(ofOrders).size).toBe(101);
    expect(ofOrders[0]).toBe('Order0');
    expect(ofOrders[999]).toBe('_OTHER');
    expect(types.of(named('Order0'))).toBe('Order0');
  });
});
