import { runInNewContext } from 'node:vm';
import { toStoredError } from '../../../lib/state/stored-error.js';

describe('a stored error', () => {
  it('has name, message and stack', () => {
    expect(toStoredError(new RangeError('too far'))).toEqual({
      name: 'RangeError',
      message: 'too far',
      stack: expect.stringContaining('stored-error.spec'),
    });
  });

  it('may come from another realm', () => {
    expect(toStoredError(runInNewContext(`new TypeError('elsewhere')`))).toMatchObject({
      name: 'TypeError',
      message: 'elsewhere',
    });
  });

  it('may be made of something that is no error', () => {
    expect(toStoredError('just text')).toEqual({ name: 'Error', message: 'just text' });
    expect(toStoredError({ status: 500 })).toEqual({ name: 'Error', message: '{"status":500}' });
    expect(toStoredError(undefined)).toEqual({ name: 'Error', message: 'undefined' });
  });

  it('is truncated', () => {
    const { message, stack } = toStoredError(new Error('x'.repeat(100_000)));
    expect(message.length).toBeLessThan(2_100);
    expect(stack?.length).toBeLessThan(4_100);
  });
});
